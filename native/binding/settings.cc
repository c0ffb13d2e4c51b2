#include "binding/settings.h"

#include "base/memory.h"

namespace geartrain {
namespace {

constexpr size_t kSettings = 6;

}  // namespace

Settings ReadSettings(const Napi::Value& numbers, const Napi::Value& shapes) {
  Napi::Float64Array number = numbers.As<Napi::Float64Array>();
  Napi::Uint8Array shape_bytes = shapes.As<Napi::Uint8Array>();
  size_t shape_count = shape_bytes.ElementLength() / sizeof(Shape);
  if (number.ElementLength() != kSettings) Die("settings have a wrong length");
  if (shape_count == 0 || shape_count > kTypesMax) Die("packet table has a wrong length");
  Settings settings = {};
  memcpy(settings.shapes, shape_bytes.Data(), shape_count * sizeof(Shape));
  settings.type_max = static_cast<uint32_t>(shape_count - 1);
  settings.hash_seed = static_cast<uint32_t>(static_cast<int32_t>(number[0]));
  settings.packet_bytes_max = static_cast<uint32_t>(number[1]);
  settings.head_bytes_max = static_cast<uint32_t>(number[2]);
  settings.line_bytes_max = static_cast<uint32_t>(number[3]);
  settings.carry_bytes_max = static_cast<uint32_t>(number[4]);
  settings.read_bytes = static_cast<uint32_t>(number[5]);
  return settings;
}

StreamOptions ReadStreamOptions(const Napi::Float64Array& number, size_t at) {
  return StreamOptions{number[at] != 0, static_cast<int>(number[at + 1]),
                       static_cast<int>(number[at + 2]), static_cast<int>(number[at + 3]),
                       static_cast<int>(number[at + 4])};
}

}  // namespace geartrain
