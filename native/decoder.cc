// The socketless decoder of the parity suite: one connection's intake that is fed from JavaScript.
// Contract: SocketlessDecoder in src/native/contract.ts.
#include "exports.h"
#include "intake.h"

namespace geartrain {
namespace {

constexpr size_t kArenaBytes = 1024 * 1024;
constexpr size_t kRows = 4096;
constexpr int32_t kConnection = 1 + (1 << kSlotBits);
constexpr size_t kSettings = 6;

struct Decoder {
  Decoder(const Settings& given, uint8_t* arena, int32_t* rows)
      : settings(given),
        batch{arena, kArenaBytes, 0, rows, kRows, 0},
        blobs(&control[0], &control[1]),
        scratch(static_cast<uint8_t*>(Allocate(given.read_bytes))),
        host{&settings, &batch, &blobs, scratch, 0} {}
  ~Decoder() {
    intake.Dispose(&host);
    free(scratch);
  }

  int32_t control[2] = {0, 0};
  Settings settings;
  Batch batch;
  BlobTable blobs;
  uint8_t* scratch;
  IntakeHost host;
  Intake intake;
  ByteQueue waiting;  // Fed, but not read yet, because what was read before found no free row.
  napi_ref arrays[2];
};

Decoder* DecoderOf(const Arguments& arguments) {
  return static_cast<Decoder*>(arguments.External(0));
}

// Reads from `waiting` as a connection reads from its socket: into a blob while one fills, else as
// much as possible.
void ReadWaiting(Decoder* decoder) {
  Intake& intake = decoder->intake;
  while (intake.HasRoom(decoder->host)) {
    if (intake.HasUndecoded()) {
      intake.Step(&decoder->host, kConnection);
      continue;
    }
    if (decoder->waiting.size() == 0) return;
    uint32_t room;
    uint8_t* target = intake.Target(&decoder->host, &room);
    size_t count = decoder->waiting.size() < room ? decoder->waiting.size() : room;
    memcpy(target, decoder->waiting.data(), count);
    decoder->waiting.Take(count);
    intake.Commit(&decoder->host, kConnection, static_cast<uint32_t>(count));
  }
}

void OnCollected(napi_env env, void* data, void*) {
  Decoder* decoder = static_cast<Decoder*>(data);
  for (napi_ref array : decoder->arrays) napi_delete_reference(env, array);
  delete decoder;
}

// (settings, shapes) -> { handle, arena, rows }
napi_value Create(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  napi_value result = MakeObject(env);
  void* arena;
  void* rows;
  napi_value arena_array = MakeArray(env, napi_uint8_array, kArenaBytes, &arena);
  napi_value rows_array = MakeArray(env, napi_int32_array, kRows * kRowInts, &rows);
  Decoder* decoder = new Decoder(ReadSettings(arguments.Bytes(0), arguments.Bytes(1)),
                                 static_cast<uint8_t*>(arena), static_cast<int32_t*>(rows));
  decoder->arrays[0] = Keep(env, arena_array);
  decoder->arrays[1] = Keep(env, rows_array);
  napi_value handle;
  Must(napi_create_external(env, decoder, OnCollected, nullptr, &handle), "make a handle");
  SetField(env, result, "handle", handle);
  SetField(env, result, "arena", arena_array);
  SetField(env, result, "rows", rows_array);
  return result;
}

// (handle, bytes) -> number of rows
napi_value Feed(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Decoder* decoder = DecoderOf(arguments);
  ByteSpan bytes = arguments.Bytes(1);
  decoder->host.turn++;
  decoder->batch.row_count = 0;
  decoder->batch.arena_used = 0;
  if (bytes.count > 0) {
    decoder->waiting.Assign(decoder->waiting.data(), decoder->waiting.size(), bytes.bytes,
                            bytes.count);
  }
  ReadWaiting(decoder);
  return MakeInt(env, static_cast<int32_t>(decoder->batch.row_count));
}

// (handle, id, offset, target, at, count) -> whether it was done
napi_value Read(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = DecoderOf(arguments)->blobs.Find(arguments.Int(1));
  ByteSpan target = arguments.Bytes(3);
  size_t offset = static_cast<size_t>(arguments.Number(2));
  size_t at = static_cast<size_t>(arguments.Number(4));
  size_t count = static_cast<size_t>(arguments.Number(5));
  bool is_inside = blob != nullptr && offset + count <= blob->size && at + count <= target.count;
  if (is_inside) CopyBytes(target.bytes + at, blob->bytes + offset, count);
  return MakeBool(env, is_inside);
}

napi_value Release(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Decoder* decoder = DecoderOf(arguments);
  Blob* blob = decoder->blobs.Find(arguments.Int(1));
  if (blob != nullptr) decoder->blobs.Release(blob);
  return MakeBool(env, blob != nullptr);
}

napi_value Bytes(napi_env env, napi_callback_info info) {
  Arguments arguments(env, info);
  Blob* blob = DecoderOf(arguments)->blobs.Find(arguments.Int(1));
  return MakeNumber(env, blob == nullptr ? -1 : static_cast<double>(blob->size));
}

}  // namespace

Settings ReadSettings(ByteSpan numbers, ByteSpan shapes) {
  const double* number = reinterpret_cast<const double*>(numbers.bytes);
  size_t shape_count = shapes.count / sizeof(Shape);
  if (numbers.count != kSettings * sizeof(double)) Die("settings have a wrong length");
  if (shape_count == 0 || shape_count > kTypesMax) Die("packet table has a wrong length");
  Settings settings = {};
  memcpy(settings.shapes, shapes.bytes, shape_count * sizeof(Shape));
  settings.type_max = static_cast<uint32_t>(shape_count - 1);
  settings.hash_seed = static_cast<uint32_t>(static_cast<int32_t>(number[0]));
  settings.packet_bytes_max = static_cast<uint32_t>(number[1]);
  settings.head_bytes_max = static_cast<uint32_t>(number[2]);
  settings.line_bytes_max = static_cast<uint32_t>(number[3]);
  settings.carry_bytes_max = static_cast<uint32_t>(number[4]);
  settings.read_bytes = static_cast<uint32_t>(number[5]);
  return settings;
}

void ExportDecoder(napi_env env, napi_value exports) {
  SetFunction(env, exports, "decoderCreate", Create);
  SetFunction(env, exports, "decoderFeed", Feed);
  SetFunction(env, exports, "decoderBlobRead", Read);
  SetFunction(env, exports, "decoderBlobRelease", Release);
  SetFunction(env, exports, "decoderBlobBytes", Bytes);
}

}  // namespace geartrain
