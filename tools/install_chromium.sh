#!/bin/sh
# Make sure that the browser tests find a Chromium: one that is installed, else one from the
# system's packages, else Playwright's own build; else say what to type.
set -u

found() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" >/dev/null && return 0
    done
    return 1
}

found && exit 0
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" = 0 ]; then as_root=""; else as_root="sudo -n"; fi
    echo "Installing Chromium for the tests of the pages"
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get update -qq >/dev/null 2>&1
    $as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1
    found && exit 0
fi
.venv/bin/python -m playwright install chromium && exit 0
echo "error: the tests of the pages need Chromium: apt-get install chromium, or .venv/bin/python -m playwright install --with-deps chromium" >&2
exit 1
