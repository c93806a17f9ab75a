package lang

import "maps"

// What may be wrong with values, usernames, catalogues, issuers and policies.
func init() {
	maps.Copy(french, map[string]string{
		"Something went wrong on our side. The log names the request.": "Une erreur s’est produite de notre côté. Le journal indique la requête.",

		// single values
		"At most %d characters fit here.":                           "Au plus %d caractères tiennent ici.",
		"A text is expected here, not %s.":                          "Un texte est attendu ici, et non %w.",
		"A text is expected here.":                                  "Un texte est attendu ici.",
		"A list of texts is expected here.":                         "Une liste de textes est attendue ici.",
		"A list of objects is expected here, not %s.":               "Une liste d’objets est attendue ici, et non %w.",
		"An object is expected here, not %s.":                       "Un objet est attendu ici, et non %w.",
		"An object of names and texts is expected here, not %s.":    "Un objet fait de noms et de textes est attendu ici, et non %w.",
		"true or false is expected here, not %s.":                   "true ou false est attendu ici, et non %w.",
		"%s is neither yes nor no.":                                 "%s n’est ni oui ni non.",
		"%s is none of %s.":                                         "%s ne fait pas partie de : %s.",
		"%s is not the id of a person.":                             "%s n’est pas l’identifiant interne d’une personne.",
		"%s is not a language tag such as fr or en-GB.":             "%s n’est pas un code de langue tel que fr ou en-GB.",
		"There is no field of this name.":                           "Il n’y a pas de champ de ce nom.",
		"There is a number in it that is too large.":                "Il y a dans cette valeur un nombre trop grand.",
		"There is a control character in it.":                       "Il y a un caractère de contrôle dans cette valeur.",
		"There is a control character (U+%04X) in it.":              "Il y a un caractère de contrôle (U+%04X) dans cette valeur.",
		"This is not valid UTF-8.":                                  "Cette valeur n’est pas en UTF-8 valide.",
		"This is not text in UTF-8.":                                "Cette valeur n’est pas un texte en UTF-8.",
		"Control characters such as line breaks cannot stand here.": "Les caractères de contrôle, tels que les sauts de ligne, ne sont pas admis ici.",
		"This is 0 or more, not %d.":                                "Cette valeur est 0 ou plus, et non %d.",
		"This must be %d to %d.":                                    "Cette valeur doit être comprise entre %d et %d.",
		"This is %s or %s.":                                         "Cette valeur est %s ou %s.",
		"At most %d fit here.":                                      "Il peut y en avoir au plus %d ici.",
		"At most %d entries fit here; this has %d.":                 "Au plus %d entrées tiennent ici ; il y en a %d.",
		"A person has at most %d phone numbers.":                    "Une personne a au plus %d numéros de téléphone.",
		"A person has at most %d addresses.":                        "Une personne a au plus %d adresses.",
		"A person has at most %d attributes.":                       "Une personne a au plus %d attributs.",
		"A person has at most %d flags.":                            "Une personne a au plus %d marques.",
		"A unit has at most %d attributes.":                         "Une unité a au plus %d attributs.",
		"An address has no part of this name; it has %s.":           "Une adresse n’a pas de partie de ce nom ; elle a %s.",
		"The name of an attribute has 1 to %d characters.":          "Le nom d’un attribut a de 1 à %d caractères.",
		"%q is neither true nor false.":                             "%q n’est ni true ni false.",
		"A limit is 0 or more, not %d.":                             "Une limite est 0 ou plus, et non %d.",
		"A limit is at least 1, not %d.":                            "Une limite est au moins 1, et non %d.",
		"A percentage is 0 to 100, not %d.":                         "Un pourcentage est compris entre 0 et 100, et non %d.",
		"A percentage is between 0 and 100.":                        "Un pourcentage est compris entre 0 et 100.",
		"%s is not a code: letters, digits, blanks and _ . / @ - may stand in one, a letter or digit first.": "%s n’est pas un code : un code se compose de lettres, de chiffres, d’espaces et de _ . / @ -, et commence par une lettre ou un chiffre.",

		// usernames
		"A username is needed.":                                                                                      "Il faut un identifiant.",
		"A username has at most %d characters, this one has %d.":                                                     "Un identifiant a au plus %d caractères, celui-ci en a %d.",
		"The username %s has a space in it. Take it out.":                                                            "L’identifiant %s contient une espace. Supprimez-la.",
		"The username %s has a character that cannot be seen (U+%04X). Take it out.":                                 "L’identifiant %s contient un caractère invisible (U+%04X). Supprimez-le.",
		"The username %s has a character that could not be read. Check the encoding: it must be UTF-8.":              "L’identifiant %s contient un caractère illisible. Vérifiez l’encodage : il faut de l’UTF-8.",
		"No username can be made: give a first name, a last name or an e-mail address that has a letter or a digit.": "Aucun identifiant ne peut être formé : donnez un prénom, un nom ou une adresse e-mail qui contient une lettre ou un chiffre.",
		"The numbers of %s are used up to %d. Give this person a username.":                                          "Les numéros de %s sont épuisés jusqu’à %d. Donnez un identifiant à cette personne.",
		"Numbers have 1 to %d digits, not %d.":                                                                       "Les numéros ont de 1 à %d chiffres, et non %d.",
		"The first number is 1 to %d, not %d.":                                                                       "Le premier numéro est compris entre 1 et %d, et non %d.",
		"%s is not a rule for numbers. Use always or clash.":                                                         "%s n’est pas une règle pour les numéros. Indiquez always ou clash.",
		"Generated usernames have at most %d to %d characters, not %d.":                                              "La longueur maximale des identifiants générés est de %d à %d caractères, et non %d.",
		"The pattern %s may have only a-z, 0-9, \".\", \"_\" and \"-\" between placeholders.":                        "Le modèle %s ne peut avoir que a-z, 0-9, \".\", \"_\" et \"-\" entre les champs à remplir.",
		"The pattern %s has a placeholder that is not known: %s. There are: %s.":                                     "Le modèle %s a un champ à remplir inconnu : %s. Il y a : %s.",
		"The pattern %s needs a placeholder. There are: %s.":                                                         "Il faut un champ à remplir dans le modèle %s. Il y a : %s.",
		"The numbers of usernames cannot be shortened from %d to %d digits once there are people.":                   "Les numéros des identifiants ne peuvent pas passer de %d à %d chiffres quand il y a déjà des personnes.",

		// catalogues of roles
		"A role gives %s or %s, and not %s.":     "Un rôle donne %s ou %s, et non %s.",
		"There is no role %s in this catalogue.": "Il n’y a pas de rôle %s dans ce catalogue.",
		"Only roles give rights.":                "Seuls les rôles donnent des droits.",
		"%s is already what entry %d is called.": "%s est déjà le nom de l’entrée %d.",

		// issuers of tokens
		"A tenant has at most %d issuers; this has %d.":                                                                         "Une organisation a au plus %d émetteurs ; celle-ci en a %d.",
		"The issuer %s stands here twice. Name all its audiences in one place.":                                                 "L’émetteur %s figure deux fois ici. Nommez toutes ses audiences en un seul endroit.",
		"An audience is needed: the name under which the issuer's tokens are meant for Muster (aud).":                           "Il faut une audience : le nom sous lequel les jetons de l’émetteur sont destinés à Muster (aud).",
		"An issuer has at most %d audiences; this has %d.":                                                                      "Un émetteur a au plus %d audiences ; celui-ci en a %d.",
		"An audience is a text of 1 to %d characters, and stands here once; %s is not or does not.":                             "Une audience est un texte de 1 à %d caractères, qui figure ici une seule fois ; ce n’est pas le cas de %s.",
		"This is the name of a target, or empty.":                                                                               "C’est ici le nom d’une cible, ou rien.",
		"This is the name of a realm role, of at most %d characters, or %s for none.":                                           "C’est ici le nom d’un rôle du realm, d’au plus %d caractères, ou %s pour aucun.",
		"This is the URL of an issuer, exactly as its tokens have it under iss, such as https://sso.example.org/realms/school.": "C’est ici l’URL d’un émetteur, exactement comme ses jetons la donnent sous iss, par exemple https://sso.example.org/realms/ecole.",
		"An issuer without TLS (http) can only be in a network that allow names. Use https.":                                    "Un émetteur sans TLS (http) ne peut être que dans un réseau nommé par allow. Utilisez https.",

		// policies of targets
		"This must be 0 (no limit) to 100000 calls per second.": "Cette valeur doit être comprise entre 0 (sans limite) et 100000 appels par seconde.",
		"This is email, or empty.":                              "C’est ici email, ou rien.",
		"This is muster, target or none.":                       "C’est ici muster, target ou none.",
		"%s is none of staged, active, suspended, archived.":    "%s n’est ni staged, ni active, ni suspended, ni archived.",
		"The policy of a target is a JSON object.":              "La politique d’une cible est un objet JSON.",
		"The policy of a target has no field %s. It has: %s.":   "La politique d’une cible n’a pas de champ %s. Elle a : %s.",
		"%s is expected.": "Il faut ici %w.",
	})
}
