package lang

import "maps"

// What stands in the way of accounts and of targets, whatever their kind.
func init() {
	maps.Copy(french, map[string]string{
		// accounts and orders of accounts
		"Say of which target or of which person.":                                                                            "Dites de quelle cible ou de quelle personne.",
		"Rows of an import are retried in a new batch.":                                                                      "Les lignes d’un import sont reprises dans un nouveau lot.",
		"An account %q is there already (%s) and is not ours.":                                                               "Un compte %q existe déjà sur la cible (%s) et ne vient pas de nous.",
		"Another account there has the e-mail address or another value that must be unique.":                                 "Un autre compte de la cible a déjà l’adresse e-mail, ou une autre valeur qui doit être unique.",
		"The username %q is taken there.":                                                                                    "L’identifiant %q est déjà pris sur la cible.",
		"The username %q is a stranger's there, and is this person's on another target already.":                             "L’identifiant %q est à quelqu’un d’autre sur cette cible, et déjà à cette personne sur une autre.",
		"The account at the target is that of another person here.":                                                          "Le compte de la cible est celui d’une autre personne d’ici.",
		"The account could not be written. The log has more.":                                                                "Le compte n’a pas pu être enregistré. Le journal en dit plus.",
		"There is no import %s.":                                                                                             "Il n’y a pas d’import %s.",
		"There is no order of accounts %s.":                                                                                  "Il n’y a pas de commande de comptes %s.",
		"The accounts of this import are made without being asked for. There is nothing to order.":                           "Les comptes de cet import sont créés sans qu’on les demande. Il n’y a rien à commander.",
		"This person is there no more.":                                                                                      "Cette personne n’est plus là.",
		"This person has no password here.":                                                                                  "Cette personne n’a pas de mot de passe ici.",
		"People who are %s get no account on %s.":                                                                            "Les personnes dont l’état est « %w » n’ont pas de compte sur %s.",
		"There is no target %q, which the settings name as the one for accounts that are ordered. Make it, or name another.": "Il n’y a pas de cible %q, que les réglages nomment pour les comptes commandés. Créez-la, ou nommez-en une autre.",

		// targets and their settings
		"The target was changed meanwhile. Read it again.":                      "La cible a été modifiée entre-temps. Relisez-la.",
		"The target was changed meanwhile (version %d, not %d). Read it again.": "La cible a été modifiée entre-temps (version %d, et non %d). Relisez-la.",
		"The target was deleted.":                                               "La cible a été supprimée.",
		"A target needs a name of 1 to 64 characters.":                          "Il faut à une cible un nom de 1 à 64 caractères.",
		"There is no kind of target %q; there are %v.":                          "Il n’y a pas de type de cible %q ; il y a %v.",
		"There is no kind of target %q. There are: %s.":                         "Il n’y a pas de type de cible %q. Il y a : %s.",
		"The settings of a target are a JSON object.":                           "Les réglages d’une cible sont un objet JSON.",
		"A target of kind %s has no setting %s. It has: %s.":                    "Une cible de type %s n’a pas de réglage %s. Elle a : %s.",
		"The setting %s must be given.":                                         "Le réglage %s doit être donné.",
		"The setting %s is one of: %s.":                                         "Le réglage %s est une valeur parmi : %s.",
		"%s is expected for the setting %s.":                                    "Il faut %w pour le réglage %s.",
		"The setting %s has no stored value yet; enter the secret itself.":      "Le réglage %s n’a pas encore de valeur enregistrée ; saisissez le secret lui-même.",
		"The address changes, so the setting %s must be entered again.":         "L’adresse change, le réglage %s doit donc être saisi de nouveau.",

		// the way there
		"%q is not an address such as 10.0.0.5, nor a range such as 10.0.0.0/8. Names are not possible here.":     "%q n’est ni une adresse telle que 10.0.0.5, ni une plage telle que 10.0.0.0/8. Les noms ne sont pas possibles ici.",
		"The address %q is not an internet address and is not called.":                                            "L’adresse %q n’est pas une adresse internet et n’est pas appelée.",
		"The address %s is %s and is not called. If it is meant, add %s to the \"allow\" setting of this target.": "L’adresse %s est %w et n’est pas appelée. Si c’est bien elle qui est voulue, ajoutez %s au réglage « allow » de cette cible.",
		"The answer is longer than %d bytes.":                                                                     "La réponse dépasse %d octets.",

		// the rehearsal target
		"The rehearsal target asks to be called less often.":                   "La cible d’essai demande à être appelée moins souvent.",
		"The rehearsal target is switched to be down.":                         "La cible d’essai est réglée comme en panne.",
		"The rehearsal target refuses usernames that begin with %s.":           "La cible d’essai refuse les identifiants qui commencent par %s.",
		"The journal cannot be opened; its folder must exist and be writable.": "Le journal ne peut pas être ouvert ; son dossier doit exister et on doit pouvoir y écrire.",
		"The file is not the journal of a rehearsal target.":                   "Le fichier n’est pas le journal d’une cible d’essai.",
		"The name of the journal must end in %s.":                              "Le nom du journal doit finir par %s.",
		"The latency is between 0 and 600000 milliseconds.":                    "La latence est comprise entre 0 et 600000 millisecondes.",
		"%d accounts of the rehearsal target carry the same marker.":           "%d comptes de la cible d’essai portent le même marqueur.",
	})
}
