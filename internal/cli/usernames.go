package cli

type usernamesCommand struct {
	remote
	Preview usernamesPreview `cmd:"" help:"Say which username somebody of this name would get now. Nothing is reserved."`
}

type usernamesPreview struct {
	First   string `arg:"" optional:"" placeholder:"FIRST" help:"First name."`
	Last    string `arg:"" optional:"" placeholder:"LAST" help:"Last name."`
	Middle  string `placeholder:"NAME" help:"Middle name."`
	Display string `placeholder:"NAME" help:"Display name."`
	Email   string `placeholder:"ADDRESS" help:"E-mail address."`
	ID      string `name:"source-id" placeholder:"ID" help:"Id in the system they come from."`
}

func (c *usernamesPreview) Run(s *session) error {
	query := values("first_name", c.First, "last_name", c.Last, "middle_name", c.Middle, "display_name", c.Display, "email", c.Email, "source_id", c.ID)
	if len(query) == 0 {
		return s.exitf(ExitUsage, "Give a name: muster usernames preview Ana Souza.")
	}
	raw, err := s.get("/v1/usernames/preview", query)
	return answer(s, raw, err, func(v struct {
		Username string `json:"username"`
	},
	) {
		s.printf("%s", v.Username)
	})
}
