package lang

import "maps"

// Bulk jobs: what is wrong with their settings, and with where the mails go that tell of their end. Those mails' own words stand in
// internal/invite/texts.
func init() {
	maps.Copy(french, map[string]string{
		"%q is no address to send reports to. It needs the form admin@example.org.": "%q n’est pas une adresse à laquelle envoyer des comptes rendus. Il faut la forme admin@example.org.",
		"A job has 1 to %d users.":                         "Une tâche compte de 1 à %d utilisateurs.",
		"A job is shown for 1 to 3650 days after its end.": "Une tâche est montrée de 1 à 3650 jours après sa fin.",
		"%q is neither ACTIVATED nor STAGED.":              "%q n’est ni ACTIVATED, ni STAGED.",
	})
}
