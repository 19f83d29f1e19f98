# How long each test took, and how busy the machine was.
s/^(Ran [0-9]+ tests? in )[0-9.]+s$/\1TIME/
s/^[0-9]+:[0-9]{2}:[0-9]{2} load avg: [0-9.]+ /TIME /
s/^Total duration: .*/Total duration: TIME/
s/ -- (test_[a-z]+ passed in [0-9.]+ (sec|min).*)$//
# Process IDs.
s/(@?test_(python_|worker_)?)[0-9]+/\1PID/g
