package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mattn/go-isatty"
)

const (
	barWidth   = 30
	redrawn    = 100 * time.Millisecond // how often at most a terminal's line is drawn again
	plainLines = 2 * time.Second        // how often at most a line is written where there is no terminal
)

// progress shows how far a piece of work is: a bar that is drawn over itself on a terminal, a line now and then elsewhere.
type progress struct {
	w        io.Writer
	terminal bool
	now      func() time.Time

	label string
	drawn string // the last thing written for this label
	last  time.Time
	width int // of the line on the terminal
}

func newProgress(w io.Writer) *progress {
	return &progress{w: w, terminal: isTerminal(w), now: time.Now}
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(file.Fd())
}

// show says that done of total (0: not known) are done under a label. A new label begins a new line. The first and the last step of a label are always
// shown.
func (p *progress) show(label string, done, total int64, rest string) {
	text := p.text(label, done, total, rest)
	now := p.now()
	fresh := label != p.label
	if text == p.drawn && !fresh {
		return
	}
	wait := plainLines
	if p.terminal {
		wait = redrawn
	}
	if !fresh && done != total && now.Sub(p.last) < wait {
		return
	}
	if fresh {
		p.end()
	}
	p.label, p.drawn, p.last = label, text, now
	if !p.terminal {
		fmt.Fprintln(p.w, text)
		return
	}
	width := utf8.RuneCountInString(text)
	fmt.Fprint(p.w, "\r", text, strings.Repeat(" ", max(p.width-width, 0)))
	p.width = width
}

func (p *progress) text(label string, done, total int64, rest string) string {
	text := fmt.Sprintf("%-12s", label)
	switch {
	case total <= 0 && done > 0:
		text += fmt.Sprintf(" %d", done)
	case total > 0:
		share := float64(min(done, total)) / float64(total)
		if p.terminal {
			full := int(share * barWidth)
			text += " [" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
		}
		text += fmt.Sprintf(" %3d %%  %d/%d", int(share*100), done, total)
	}
	if rest != "" {
		text += "  " + rest
	}
	return text
}

// above writes a line above the bar, which stays the last line of a terminal.
func (p *progress) above(line string) {
	if !p.terminal || p.width == 0 {
		fmt.Fprintln(p.w, line)
		return
	}
	fmt.Fprint(p.w, "\r", line, strings.Repeat(" ", max(p.width-utf8.RuneCountInString(line), 0)), "\n", p.drawn)
	p.width = utf8.RuneCountInString(p.drawn)
}

// end leaves the bar as it is and goes on below it.
func (p *progress) end() {
	if p.terminal && p.width > 0 {
		fmt.Fprintln(p.w)
	}
	p.label, p.drawn, p.width = "", "", 0
}

// counted is a reader that tells how much was read.
type counted struct {
	io.Reader
	read int64
	see  func(read int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += int64(n)
	c.see(c.read)
	return n, err
}
