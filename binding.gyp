{
  'targets': [
    {
      'target_name': 'geartrain',
      'sources': [
        'native/binding.cc',
        'native/blob-calls.cc',
        'native/blob.cc',
        'native/callback.cc',
        'native/closing.cc',
        'native/codec.cc',
        'native/connections.cc',
        'native/decoder.cc',
        'native/disk-calls.cc',
        'native/disk.cc',
        'native/first-message.cc',
        'native/functions.cc',
        'native/holding.cc',
        'native/input.cc',
        'native/intake.cc',
        'native/listeners.cc',
        'native/lobby-calls.cc',
        'native/lobby-peers.cc',
        'native/lobby.cc',
        'native/outlet.cc',
        'native/output.cc',
        'native/reactor-calls.cc',
        'native/reactor.cc',
        'native/rings.cc',
        'native/sockets.cc',
      ],
      'include_dirs': ['<!(node -p "require(\'node-addon-api\').include_dir")'],
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
