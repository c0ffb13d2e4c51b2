// Reading arguments and making values with N-API in a line each. Arguments were checked in
// src/native/addon.ts; a wrong one here is our own fault and ends the process.
#ifndef GEARTRAIN_NAPI_UTIL_H_
#define GEARTRAIN_NAPI_UTIL_H_

#include <node_api.h>

#include "memory.h"

namespace geartrain {

inline void Must(napi_status status, const char* what) {
  if (status != napi_ok) Die(what);
}

struct ByteSpan {
  uint8_t* bytes;
  size_t count;
};

// The arguments of one call.
class Arguments {
 public:
  static constexpr size_t kMax = 8;

  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kMax;
    Must(napi_get_cb_info(env, info, &count, values_, nullptr, nullptr), "read arguments");
  }

  napi_value Value(size_t index) const { return values_[index]; }
  int32_t Int(size_t index) const {
    int32_t value;
    Must(napi_get_value_int32(env_, values_[index], &value), "argument is no number");
    return value;
  }
  double Number(size_t index) const {
    double value;
    Must(napi_get_value_double(env_, values_[index], &value), "argument is no number");
    return value;
  }
  bool Bool(size_t index) const {
    bool value;
    Must(napi_get_value_bool(env_, values_[index], &value), "argument is no boolean");
    return value;
  }
  // Copies at most `room` - 1 bytes and a NUL.
  void String(size_t index, char* target, size_t room) const {
    Must(napi_get_value_string_utf8(env_, values_[index], target, room, nullptr),
         "argument is no string");
  }
  // The bytes of a typed array of any kind.
  ByteSpan Bytes(size_t index) const {
    void* data;
    size_t length;
    napi_typedarray_type type;
    Must(napi_get_typedarray_info(env_, values_[index], &type, &length, &data, nullptr, nullptr),
         "argument is no typed array");
    size_t width = type == napi_float64_array ? 8 : type == napi_int32_array ? 4 : 1;
    return ByteSpan{static_cast<uint8_t*>(data), length * width};
  }
  void* External(size_t index) const {
    void* value;
    Must(napi_get_value_external(env_, values_[index], &value), "argument is no handle");
    return value;
  }

 private:
  napi_env env_;
  napi_value values_[kMax];
};

inline napi_value MakeNumber(napi_env env, double value) {
  napi_value result;
  Must(napi_create_double(env, value, &result), "make a number");
  return result;
}

inline napi_value MakeInt(napi_env env, int32_t value) {
  napi_value result;
  Must(napi_create_int32(env, value, &result), "make a number");
  return result;
}

inline napi_value MakeObject(napi_env env) {
  napi_value result;
  Must(napi_create_object(env, &result), "make an object");
  return result;
}

inline void SetField(napi_env env, napi_value object, const char* name, napi_value value) {
  Must(napi_set_named_property(env, object, name, value), "set a field");
}

inline void SetFunction(napi_env env, napi_value object, const char* name,
                        napi_callback callback) {
  napi_value function;
  Must(napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function),
       "make a function");
  SetField(env, object, name, function);
}

inline napi_ref Keep(napi_env env, napi_value value) {
  napi_ref reference;
  Must(napi_create_reference(env, value, 1, &reference), "make a reference");
  return reference;
}

inline napi_value MakeBool(napi_env env, bool value) {
  napi_value result;
  Must(napi_get_boolean(env, value, &result), "make a boolean");
  return result;
}

// A new zeroed typed array (napi_uint8_array or napi_int32_array) and where its memory is.
inline napi_value MakeArray(napi_env env, napi_typedarray_type type, size_t length, void** data) {
  napi_value buffer;
  napi_value array;
  size_t width = type == napi_int32_array ? 4 : 1;
  Must(napi_create_arraybuffer(env, length * width, data, &buffer), "make an array buffer");
  Must(napi_create_typedarray(env, type, length, buffer, 0, &array), "make a typed array");
  return array;
}

}  // namespace geartrain

#endif  // GEARTRAIN_NAPI_UTIL_H_
