package app

import (
	"io"
	"log/slog"
	"os"

	"github.com/lmittmann/tint"
	"github.com/mattn/go-isatty"
)

// newLog makes the program's log: coloured lines on a terminal, plain ones elsewhere, or JSON.
func newLog(w io.Writer, level, format string) *slog.Logger {
	var at slog.Level
	_ = at.UnmarshalText([]byte(level)) // settings were checked
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: at}))
	}
	if file, ok := w.(*os.File); ok && isatty.IsTerminal(file.Fd()) {
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: at, TimeFormat: "15:04:05"}))
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: at}))
}
