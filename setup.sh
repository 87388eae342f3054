#!/bin/sh
# Set up a checkout: system libraries (Debian, Ubuntu), a virtual environment, the Python packages.
# usage: [EXTRA_PACKAGES="…"] [FUNASR=1] setup.sh PYTHON VENV_FOLDER
# FUNASR=1 adds PyTorch and FunASR (Paraformer, GPUs).
set -eu
python=$1
venv=$2

# libportaudio2: sound devices. libspeexdsp1: echo cancellation. libgomp1: the embedded language model.
# fonts-wqy-microhei: Chinese in the demo's picture.
packages="libportaudio2 libspeexdsp1 libgomp1 fonts-wqy-microhei ${EXTRA_PACKAGES:-}"

missing=""
if command -v dpkg-query >/dev/null 2>&1; then
    if ! command -v "$python" >/dev/null 2>&1; then missing="python3 python3-venv"; fi
    if command -v "$python" >/dev/null 2>&1 && ! "$python" -c "import ensurepip, venv" 2>/dev/null; then
        missing="$missing python3-venv"
    fi
    for package in $packages; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
    done
    # Kokoro's voices come from Hugging Face or, out of its reach, from an npm package.
    if ! command -v npm >/dev/null 2>&1 && [ -z "${npm_config_registry:-}" ] &&
        [ -z "$(ls "${HUIYIN_STORE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/huiyin/models}/kokoro-voices" 2>/dev/null)" ] &&
        ! "$python" -c "import socket; socket.create_connection(('huggingface.co', 443), 5)" 2>/dev/null; then
        missing="$missing npm"
    fi
fi

if [ -n "$missing" ]; then
    install="apt-get update -q && apt-get install -y -q --no-install-recommends $missing"
    if [ "$(id -u)" = 0 ]; then
        echo "Installing system packages: $missing"
        sh -c "$install" >/dev/null
    elif command -v sudo >/dev/null 2>&1 && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        echo "Installing system packages with sudo: $missing"
        sudo sh -c "$install" >/dev/null
    else
        echo "Some system packages are missing. Run this line as root, then this command again:" >&2
        echo "    $install" >&2
        exit 1
    fi
fi

if ! "$python" -c "import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))"; then
    echo "Huiyin needs Python 3.10 to 3.13; $python is $("$python" -V 2>&1). Name another: make PYTHON=python3.12 …" >&2
    exit 1
fi

echo "Installing Python packages into $venv (some 300 MB, a minute or two) …"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip="$venv/bin/python -m pip install -qq --disable-pip-version-check -c constraints.txt"
$pip -e ".[embedded,tools,wyoming,dev]"
if [ "${FUNASR:-0}" = 1 ]; then
    echo "Installing PyTorch and FunASR …"
    $pip -e ".[embedded,tools,wyoming,dev,funasr]"
    $pip --no-deps funasr==1.4.16  # why without: see pyproject.toml
fi
# mypy finds the packages by their names through this link.
mkdir -p "$venv/checkout"
ln -sfn "$PWD" "$venv/checkout/huiyin"
