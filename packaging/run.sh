# Opens Snug: its window, or the terminal where there is no display to show one.
if [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}${QT_QPA_PLATFORM:-}" ]; then
    echo "There is no display here, so Snug opens in the terminal."
    exec .venv/bin/snug chat "$@"
fi
exec .venv/bin/snug "$@"
