package cli

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
)

type peoplePassword struct{ personArgument }

// Run reads the password from standard input, so that it stands neither in the list of processes nor in the shell's history.
func (c *peoplePassword) Run(s *session) error {
	if isTerminal(s.in) {
		return s.exitf(ExitUsage, "The password would be seen here. Give it on standard input, such as: muster people password %s < FILE", c.Who)
	}
	line, err := bufio.NewReader(io.LimitReader(s.in, 1<<16)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	path, err := c.path(s)
	if err != nil {
		return err
	}
	raw, err := s.call(http.MethodPatch, path, nil, map[string]any{"password": strings.TrimRight(line, "\r\n")})
	return answer(s, raw, err, func(p personView) { s.printf("%s has a new password.", p.shown()) })
}
