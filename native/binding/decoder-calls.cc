// The socketless decoder of the parity suite: the read buffer of one connection, fed from
// JavaScript. Contract: SocketlessDecoder in src/native/contract.ts.
#include "binding/blob-calls.h"
#include "binding/exports.h"
#include "binding/settings.h"
#include "codec/read-buffer.h"

namespace geartrain {
namespace {

constexpr size_t kArenaBytes = 1024 * 1024;
constexpr size_t kRows = 4096;
constexpr int32_t kConnection = 1 + (1 << kSlotBits);

struct Decoder {
  Decoder(const Settings& given, uint8_t* arena, int32_t* rows)
      : settings(given),
        batch{arena, kArenaBytes, 0, rows, kRows, 0},
        blobs(&control[0], &control[1]),
        scratch(static_cast<uint8_t*>(Allocate(given.read_bytes))),
        context{&settings, &batch, &blobs, scratch, 0} {}
  ~Decoder() {
    read_buffer.Dispose(&context);
    free(scratch);
  }

  int32_t control[2] = {0, 0};
  Settings settings;
  Batch batch;
  BlobTable blobs;
  uint8_t* scratch;
  ReadContext context;
  ReadBuffer read_buffer;
  ByteQueue waiting;  // Fed, but not read yet, because earlier bytes found no free row.
  Napi::ObjectReference arrays[2];
};

Decoder* DecoderOf(const Napi::CallbackInfo& info) {
  return info[0].As<Napi::External<Decoder>>().Data();
}

// Reads from `waiting` as a connection reads from its socket: into a blob while one fills,
// otherwise as much as possible.
void ReadWaiting(Decoder* decoder) {
  ReadBuffer& buffer = decoder->read_buffer;
  while (buffer.HasRoom(decoder->context)) {
    if (buffer.HasUndecoded()) {
      buffer.Step(&decoder->context, kConnection);
      continue;
    }
    if (decoder->waiting.size() == 0) return;
    uint32_t room;
    uint8_t* target = buffer.Target(&decoder->context, &room);
    size_t count = decoder->waiting.size() < room ? decoder->waiting.size() : room;
    memcpy(target, decoder->waiting.data(), count);
    decoder->waiting.Take(count);
    buffer.Commit(&decoder->context, kConnection, static_cast<uint32_t>(count));
  }
}

// (settings, shapes) -> { handle, arena, rows }
Napi::Value CreateDecoder(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  Napi::Object result = Napi::Object::New(env);
  Napi::Uint8Array arena = Napi::Uint8Array::New(env, kArenaBytes);
  Napi::Int32Array rows = Napi::Int32Array::New(env, kRows * kRowInts);
  if (arena.IsEmpty() || rows.IsEmpty()) return Napi::Value();
  Decoder* decoder = new Decoder(ReadSettings(info[0], info[1]), arena.Data(), rows.Data());
  decoder->arrays[0] = Napi::Persistent<Napi::Object>(arena);
  decoder->arrays[1] = Napi::Persistent<Napi::Object>(rows);
  auto handle = Napi::External<Decoder>::New(
      env, decoder, [](Napi::Env, Decoder* collected) { delete collected; });
  if (handle.IsEmpty()) {
    delete decoder;
    return Napi::Value();
  }
  result.Set("arena", arena);
  result.Set("rows", rows);
  if (!result.Set("handle", handle)) return Napi::Value();
  return result;
}

// (handle, bytes) -> number of rows
int32_t Feed(const Napi::CallbackInfo& info) {
  Decoder* decoder = DecoderOf(info);
  Napi::Uint8Array bytes = info[1].As<Napi::Uint8Array>();
  decoder->context.turn++;
  decoder->batch.row_count = 0;
  decoder->batch.arena_used = 0;
  if (bytes.ElementLength() > 0) {
    decoder->waiting.Assign(decoder->waiting.data(), decoder->waiting.size(), bytes.Data(),
                            bytes.ElementLength());
  }
  ReadWaiting(decoder);
  return static_cast<int32_t>(decoder->batch.row_count);
}

BlobTable* BlobsOfDecoder(const Napi::CallbackInfo& info) { return &DecoderOf(info)->blobs; }

}  // namespace

// Methods of NativeDecoder in src/native/bindings.ts, by name.
void ExportDecoder(Napi::Object exports) {
  Export<CreateDecoder>(exports, "createDecoder");
  Napi::Object table = AddTable(exports, "decoder");
  Export<Feed>(table, "feed");
  Export<BlobRelease<BlobsOfDecoder>>(table, "blobRelease");
  Export<BlobBytes<BlobsOfDecoder>>(table, "blobBytes");
  Export<BlobRead<BlobsOfDecoder>>(table, "blobRead");
}

}  // namespace geartrain
