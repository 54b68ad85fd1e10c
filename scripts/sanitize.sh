#!/usr/bin/env bash
# Builds the extension with AddressSanitizer and UndefinedBehaviorSanitizer in build/sanitize, into
# a copy of the package there, and runs the core tests on it. Any report fails the run.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$(cd "${VENV:-.venv}" && pwd)
build=build/sanitize
package=$build/package
mkdir -p "$build"
PATH="$venv/bin:$PATH" cmake -S . -B "$build" -G Ninja -DBACKLIT_SANITIZE=ON \
  -DPython_EXECUTABLE="$venv/bin/python" >"$build/cmake.log" 2>&1 || { cat "$build/cmake.log"; exit 1; }
PATH="$venv/bin:$PATH" ninja -C "$build"

rm -rf "$package"
mkdir -p "$package"
cp -r src/backlit "$package/backlit"
rm -f "$package"/backlit/_C*.so
cp "$build"/_C*.so "$package/backlit/"

library() { "${CXX:-c++}" -print-file-name="$1"; }
# libstdc++ too: the sanitizer looks for __cxa_throw before the extension brings it
export LD_PRELOAD="$(library libasan.so) $(library libstdc++.so.6)"
# Python does not free everything at exit; it must not hide errors in a freelist of its own either
export PYTHONMALLOC=malloc PYTHONPATH="$PWD/$package" OMP_NUM_THREADS=2 BACKLIT_SANITIZED=1
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
tests=(tests)
for skipped in tests/core tests/examples tests/cli tests/package tests/data tests/web; do
  [ -d "$skipped" ] && tests+=("--ignore=$skipped")
done
"$venv/bin/python" - <<'P'
import backlit, os
assert os.environ["PYTHONPATH"] in backlit.__file__, backlit.__file__
P
exec "$venv/bin/python" -m pytest -n 2 -m "not slow" -p no:cacheprovider "${tests[@]}" "$@"
