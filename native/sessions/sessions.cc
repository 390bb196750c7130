// What tfjs-node's binding cannot say to TensorFlow: the options of its sessions. It is compiled into that binding.
//
// The binding opens every session by TF_NewSessionOptions, with nothing set. The linker gives it ours in its place
// (--wrap), which sets the ConfigProto that was handed over last. The binding's own module is registered under another
// name, and ours calls it, so both have one exports object.

#undef napi_register_module_v1

#include <node_api.h>

#include <memory>
#include <string>
#include <vector>

#include "tensorflow/c/c_api.h"

extern "C" TF_SessionOptions *__real_TF_NewSessionOptions();
extern "C" napi_value tfjs_register_module(napi_env env, napi_value exports);

namespace {

// A serialised ConfigProto; empty for TensorFlow's own choices. Of the thread that opens sessions.
thread_local std::string config;

struct Status {
  TF_Status *status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  bool failed() const { return TF_GetCode(status) != TF_OK; }
  const char *message() const { return TF_Message(status); }
};

napi_value Fail(napi_env env, const std::string &message) {
  napi_throw_error(env, nullptr, message.c_str());
  return nullptr;
}

// setSessionConfig(bytes: Uint8Array): of the sessions that are opened from now on. No bytes are TensorFlow's own choices.
napi_value SetSessionConfig(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value given;
  bool isTypedArray = false;
  if (napi_get_cb_info(env, info, &count, &given, nullptr, nullptr) != napi_ok || count != 1 ||
      napi_is_typedarray(env, given, &isTypedArray) != napi_ok || !isTypedArray)
    return Fail(env, "setSessionConfig takes a Uint8Array");
  napi_typedarray_type type;
  size_t length;
  void *data;
  if (napi_get_typedarray_info(env, given, &type, &length, &data, nullptr, nullptr) != napi_ok ||
      type != napi_uint8_array)
    return Fail(env, "setSessionConfig takes a Uint8Array");
  std::string bytes(static_cast<const char *>(data), length);
  Status status;
  TF_SessionOptions *options = __real_TF_NewSessionOptions();
  TF_SetConfig(options, bytes.data(), bytes.size(), status.status);
  TF_DeleteSessionOptions(options);
  if (status.failed()) return Fail(env, status.message());
  config = std::move(bytes);
  return nullptr;
}

// sessionDevices(): string[], TensorFlow's names of the devices that a session has which is opened now.
napi_value SessionDevices(napi_env env, napi_callback_info) {
  Status status;
  std::unique_ptr<TF_Graph, decltype(&TF_DeleteGraph)> graph(TF_NewGraph(), TF_DeleteGraph);
  TF_SessionOptions *options = TF_NewSessionOptions();
  TF_Session *session = TF_NewSession(graph.get(), options, status.status);
  TF_DeleteSessionOptions(options);
  if (status.failed()) return Fail(env, status.message());
  std::vector<std::string> names;
  TF_DeviceList *devices = TF_SessionListDevices(session, status.status);
  for (int at = 0; !status.failed() && at < TF_DeviceListCount(devices); at++)
    names.push_back(TF_DeviceListName(devices, at, status.status));
  if (devices != nullptr) TF_DeleteDeviceList(devices);
  Status closing;
  TF_DeleteSession(session, closing.status);
  if (status.failed()) return Fail(env, status.message());
  napi_value result;
  if (napi_create_array_with_length(env, names.size(), &result) != napi_ok) return nullptr;
  for (size_t at = 0; at < names.size(); at++) {
    napi_value name;
    if (napi_create_string_utf8(env, names[at].data(), names[at].size(), &name) != napi_ok ||
        napi_set_element(env, result, at, name) != napi_ok)
      return nullptr;
  }
  return result;
}

}  // namespace

// The binding's calls of TF_NewSessionOptions come here.
extern "C" TF_SessionOptions *__wrap_TF_NewSessionOptions() {
  TF_SessionOptions *options = __real_TF_NewSessionOptions();
  if (config.empty()) return options;
  // It was tried when it was handed over.
  Status status;
  TF_SetConfig(options, config.data(), config.size(), status.status);
  return options;
}

extern "C" NAPI_MODULE_EXPORT napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value registered = tfjs_register_module(env, exports);
  if (registered == nullptr) return nullptr;
  const napi_property_descriptor ours[] = {
      {"setSessionConfig", nullptr, SetSessionConfig, nullptr, nullptr, nullptr, napi_default, nullptr},
      {"sessionDevices", nullptr, SessionDevices, nullptr, nullptr, nullptr, napi_default, nullptr},
  };
  return napi_define_properties(env, registered, 2, ours) == napi_ok ? registered : nullptr;
}
