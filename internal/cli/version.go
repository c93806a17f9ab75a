package cli

import (
	"encoding/json"
	"runtime"
)

type versionCommand struct {
	JSON bool `name:"json" help:"Print JSON."`
}

func (c *versionCommand) Run(s *session) error {
	if c.JSON {
		raw, err := json.Marshal(map[string]string{"version": Version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
		if err != nil {
			return err
		}
		return s.printJSON(raw)
	}
	s.printf("muster %s (%s, %s/%s)", Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
