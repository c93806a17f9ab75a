package config

// EdConnekt is how the EdConnekt surface is served.
type EdConnekt struct {
	Off       bool     `name:"no-edconnekt" env:"MUSTER_NO_EDCONNEKT" help:"Do not serve the EdConnekt APIs."`
	Origins   []string `name:"edconnekt-origins" env:"MUSTER_EDCONNEKT_ORIGINS" placeholder:"ORIGIN" help:"Origins of the front end, such as https://school.example.org, whose browsers may call the EdConnekt APIs. * is any."`
	TestItems bool     `name:"edconnekt-test-items" env:"MUSTER_EDCONNEKT_TEST_ITEMS" help:"Serve POST /provisioning/batches/{id}/test-items, which is meant for tests."`
	NoStream  bool     `name:"no-edconnekt-stream" env:"MUSTER_NO_EDCONNEKT_STREAM" help:"Do not serve the stream of an import's counters, for which nobody has to sign in."`
}
