package lang

import "maps"

// What may be wrong with a row of the JumpCloud surface, or is told of it: people read it in the results of a batch and in report mails.
func init() {
	maps.Copy(french, map[string]string{
		// texts and lists
		"A list is expected here.":                                               "Une liste est attendue ici.",
		"An object is expected here.":                                            "Un objet est attendu ici.",
		"A whole number is expected here.":                                       "Un nombre entier est attendu ici.",
		"A whole number of at least 1 is expected here.":                         "Un nombre entier d’au moins 1 est attendu ici.",
		"The number must be between %d and %d.":                                  "Le nombre doit être compris entre %d et %d.",
		"true or false is expected here.":                                        "true ou false est attendu ici.",
		"true, false or an e-mail address is expected here.":                     "true, false ou une adresse e-mail est attendu ici.",
		"%q is none of the values that are known here.":                          "%q ne fait pas partie des valeurs connues ici.",
		"The spaces around it were left out.":                                    "Les espaces autour ont été retirés.",
		"A text is expected here. The value was kept as text.":                   "Un texte est attendu ici. La valeur a été gardée comme texte.",
		"The text %q was taken for true or false.":                               "Le texte %q a été pris pour true ou false.",
		"null says neither true nor false. It was ignored.":                      "null ne dit ni true ni false. Il a été ignoré.",
		"There is no attribute %q here. It was ignored.":                         "Il n’y a pas d’attribut %q ici. Il a été ignoré.",
		"This cannot be set. It was ignored.":                                    "Cela ne se fixe pas. La valeur a été ignorée.",
		"%d more values were ignored or changed, which are too many to be told.": "%d autres valeurs ont été ignorées ou modifiées ; elles sont trop nombreuses pour être citées.",
		"A date and time of the form 2026-01-31T12:00:00Z is expected here.":     "Une date et une heure de la forme 2026-01-31T12:00:00Z sont attendues ici.",

		// who it is
		"A new user needs this.":                                                                       "Un nouvel utilisateur en a besoin.",
		"The id of the user is missing.":                                                               "L’id de l’utilisateur manque.",
		"There is no user of the id %q.":                                                               "Il n’y a pas d’utilisateur dont l’id est %q.",
		"There is no such user.":                                                                       "Cet utilisateur n’existe pas.",
		"id and _id name different users. Give one of them.":                                           "id et _id désignent des utilisateurs différents. N’en donnez qu’un.",
		"The address names another user. An id cannot be changed.":                                     "L’adresse désigne un autre utilisateur. Un id ne change pas.",
		"A user stays in the organization, which is %s.":                                               "Un utilisateur reste dans l’organisation, qui est %s.",
		"The manager is named by id, and there is no user of the id %q.":                               "Le responsable se donne par son id, et il n’y a pas d’utilisateur dont l’id est %q.",
		"There is no user %s to be the manager.":                                                       "Il n’y a pas d’utilisateur %s qui puisse être le responsable.",
		"An e-mail address is needed. It can be changed and not be taken away.":                        "Il faut une adresse e-mail. Elle peut être changée, mais pas retirée.",
		"E-mail addresses are kept in lower case.":                                                     "Les adresses e-mail sont gardées en minuscules.",
		"A username is needed. It can be changed and not be taken away.":                               "Il faut un identifiant. Il peut être changé, mais pas retiré.",
		"A username begins with a letter and has letters, digits, dots, hyphens and underscores only.": "Un identifiant commence par une lettre et n’a que des lettres, des chiffres, des points, des traits d’union et des tirets bas.",
		"This username has %d characters, which is more than every system takes (%s).":                 "Cet identifiant a %d caractères, plus que n’en acceptent tous les systèmes (%w).",
		"The welcome goes to the user's own address. This one was not written to.":                     "Le message de bienvenue va à l’adresse de l’utilisateur. Rien n’a été envoyé à celle-ci.",

		// states
		"The state is STAGED, ACTIVATED or SUSPENDED.":                                                               "L’état est STAGED, ACTIVATED ou SUSPENDED.",
		"A state can be changed and not be taken away.":                                                              "Un état peut être changé, mais pas retiré.",
		"Nobody who is there becomes STAGED again. The state is ACTIVATED or SUSPENDED.":                             "Quelqu’un qui est là ne redevient pas STAGED. L’état est ACTIVATED ou SUSPENDED.",
		"%t does not go with the state %s.":                                                                          "%t ne va pas avec l’état %s.",
		"Only a user who is STAGED is activated so. Set the state to ACTIVATED instead.":                             "Seul un utilisateur STAGED s’active ainsi. Mettez plutôt l’état à ACTIVATED.",
		"A user is activated when the state is ACTIVATED and there is a password. What was given is kept as a note.": "Un utilisateur est activé quand son état est ACTIVATED et qu’il a un mot de passe. Ce qui a été donné est gardé à titre d’indication.",

		// collections
		"A custom attribute needs a name.":                                      "Un attribut personnalisé doit avoir un nom.",
		"The name of a custom attribute has letters and digits only.":           "Le nom d’un attribut personnalisé n’a que des lettres et des chiffres.",
		"The name %q stands here twice.":                                        "Le nom %q figure ici deux fois.",
		"An attribute without a value is not kept.":                             "Un attribut sans valeur n’est pas gardé.",
		"An entry without a number is not kept.":                                "Une entrée sans numéro n’est pas gardée.",
		"An entry is merged by its type, which is missing.":                     "Une entrée est fusionnée d’après son type, qui manque.",
		"An entry is merged by its type, which is missing or has a dot in it.":  "Une entrée est fusionnée d’après son type, qui manque ou contient un point.",
		"Entries are merged by their types, and the type %q stands here twice.": "Les entrées sont fusionnées d’après leur type, et le type %q figure ici deux fois.",
		"A key needs a name and itself.":                                        "Une clé a besoin d’un nom et d’elle-même.",
		"Tags are kept, and nothing else is done with them.":                    "Les étiquettes sont gardées, et rien d’autre n’en est fait.",
	})
}
