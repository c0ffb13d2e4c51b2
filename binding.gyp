{
  'targets': [
    {
      'target_name': 'geartrain',
      'sources': [
        'native/base/sockets.cc',
        'native/binding/addon.cc',
        'native/binding/callback.cc',
        'native/binding/decoder-calls.cc',
        'native/binding/disk-calls.cc',
        'native/binding/errors.cc',
        'native/binding/first-message-calls.cc',
        'native/binding/functions.cc',
        'native/binding/reactor-calls.cc',
        'native/binding/settings.cc',
        'native/codec/blob.cc',
        'native/codec/codec.cc',
        'native/codec/read-buffer.cc',
        'native/disk/disk.cc',
        'native/first-message/first-message-peers.cc',
        'native/first-message/first-message-queue.cc',
        'native/first-message/first-message.cc',
        'native/reactor/closing.cc',
        'native/reactor/connections.cc',
        'native/reactor/holding.cc',
        'native/reactor/input.cc',
        'native/reactor/listeners.cc',
        'native/reactor/output.cc',
        'native/reactor/reactor.cc',
        'native/reactor/rings.cc',
        'native/reactor/send-queue.cc',
      ],
      'include_dirs': ['native', '<!(node -p "require(\'node-addon-api\').include_dir")'],
      # A wrong argument ends the process (TYPE_CHECK), a failure while a thread is being terminated
      # does not (SWALLOW).
      'defines': [
        'NAPI_VERSION=9',
        'NAPI_DISABLE_CPP_EXCEPTIONS',
        'NODE_ADDON_API_ENABLE_TYPE_CHECK_ON_AS',
        'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS',
      ],
      'cflags': ['-Wall', '-Wextra', '-fvisibility=hidden'],
      'cflags_cc': ['-std=c++17', '-O2', '-fno-exceptions', '-fno-rtti', '-fvisibility-inlines-hidden'],
      'conditions': [['OS!="linux"', {'type': 'none', 'sources': []}]],
    }
  ]
}
