# Prints the first Python that Snug can be set up with. PYTHON=… names one.
for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
    [ -n "$candidate" ] || continue
    found=$(command -v "$candidate") || continue
    if "$found" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
        2>/dev/null; then
        echo "$found"
        exit 0
    fi
done
echo "Snug needs Python 3.11, 3.12 or 3.13, and none is on the PATH." >&2
echo "On Debian 12 or 13 or Ubuntu 24.04:  sudo apt-get install python3 python3-venv" >&2
exit 1
