package lang

import "maps"

// Mails that tell of the end of bulk jobs: what is wrong with where they go. Their own words stand in internal/invite/texts.
func init() {
	maps.Copy(french, map[string]string{
		"%q is no address to send reports to. It needs the form admin@example.org.": "%q n’est pas une adresse à laquelle envoyer des comptes rendus. Il faut la forme admin@example.org.",
	})
}
