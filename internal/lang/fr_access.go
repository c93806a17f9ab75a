package lang

import "maps"

// What is refused to callers: keys, tokens, tenants, repeated requests.
func init() {
	maps.Copy(french, map[string]string{
		"This database belongs to the sealing key %s, and this process has the key %s. Start it with the key file of the process that created the database: copy that file over its own.": "Cette base de données appartient à la clé de scellement %s, et ce processus a la clé %s. Démarrez-le avec le fichier de clé du processus qui a créé la base : copiez ce fichier à la place du sien.",
		"The sealing key is not base64. It is one line, made by Muster in its key file.":                                                                                                  "La clé de scellement n’est pas en base64. Elle tient sur une ligne, que Muster écrit dans son fichier de clé.",
		"The sealing key must hold %d bytes, this one holds %d.":                                                                                                                          "La clé de scellement doit faire %d octets, celle-ci en fait %d.",
		"The key file %s is not an ordinary file.":                                                                                                                                        "Le fichier de clé %s n’est pas un fichier ordinaire.",
		"The key file %s can be read by others than its owner (mode %04o). Run: chmod 600 %s":                                                                                             "Le fichier de clé %s peut être lu par d’autres que son propriétaire (mode %04o). Lancez : chmod 600 %s",
		"There is no key file %s.": "Il n’y a pas de fichier de clé %s.",

		// keys
		"This API key is not valid. Check that it is whole, or ask for a new one.":       "Cette clé d’API n’est pas valide. Vérifiez qu’elle est entière, ou demandez-en une nouvelle.",
		"A key belongs to an application or to a person, not to both.":                   "Une clé appartient à une application ou à une personne, pas aux deux.",
		"%q is not a scope. Use read, write or admin.":                                   "%q n’est pas une portée. Indiquez read, write ou admin.",
		"The key would have expired already. Give a time to come, or none.":              "La clé serait déjà expirée. Donnez un moment à venir, ou aucun.",
		"A key of scope %s may do more (%s) than %s may.":                                "Une clé de portée %s donne plus de droits (%s) que n’en a %w.",
		"This key may do more (%s) than %s may, who therefore cannot revoke it.":         "Cette clé donne plus de droits (%s) que n’en a %w, qui ne peut donc pas la révoquer.",
		"This is the last admin key of the tenant. Make another one before revoking it.": "C’est la dernière clé d’administration de l’organisation. Créez-en une autre avant de la révoquer.",
		"A name is needed.": "Il faut un nom.",
		"A name has at most %d characters; this has %d.":                                          "Un nom a au plus %d caractères ; celui-ci en a %d.",
		"A name has letters, digits, signs and blanks only; there is something else in this one.": "Un nom ne contient que des lettres, des chiffres, des signes et des espaces ; celui-ci contient autre chose.",

		// repeated requests
		"An idempotency key has 1 to %d printable ASCII characters.":                                           "Une clé d’idempotence a de 1 à %d caractères ASCII imprimables.",
		"This idempotency key was used for another request. Take a new one for each request.":                  "Cette clé d’idempotence a servi à une autre requête. Prenez-en une nouvelle pour chaque requête.",
		"The first request with this idempotency key is still being worked on. Try again later.":               "La première requête avec cette clé d’idempotence est encore en cours. Réessayez plus tard.",
		"This request was carried out before. Its answer held a secret, which is shown once and was not kept.": "Cette requête a déjà été exécutée. Sa réponse contenait un secret, qui n’est montré qu’une fois et n’a pas été gardé.",
		"This request took so long that another attempt has taken its place.":                                  "Cette requête a duré si longtemps qu’une autre tentative l’a remplacée.",

		// tenants
		"There are several tenants here, and nothing says which one is meant.":                                                                                                   "Il y a plusieurs organisations ici, et rien ne dit laquelle est voulue.",
		"The code of a tenant has 1 to 63 lower-case letters, digits and hyphens, with a letter or digit at both ends.":                                                          "Le code d’une organisation a de 1 à 63 lettres minuscules, chiffres et traits d’union, avec une lettre ou un chiffre aux deux bouts.",
		"Only callers of the installation's first tenant make tenants; %s is another tenant's.":                                                                                  "Seuls les appelants de la première organisation de l’installation créent des organisations ; %w appartient à une autre.",
		"Only an operator may allow addresses on this machine or in private networks: a caller of the installation's first tenant with the privilege %s.":                        "Seul un exploitant peut autoriser des adresses de cette machine ou de réseaux privés : un appelant de la première organisation de l’installation, avec le droit %s.",
		"Another tenant accepts tokens of %s already. Only an operator may have a second tenant accept some: a caller of the installation's first tenant with the privilege %s.": "Une autre organisation accepte déjà des jetons de %s. Seul un exploitant peut en faire accepter à une seconde organisation : un appelant de la première organisation de l’installation, avec le droit %s.",
		"Only an operator may set %s: a caller of the installation's first tenant with the privilege %s.":                                                                        "Seul un exploitant peut régler %s : un appelant de la première organisation de l’installation, avec le droit %s.",
		"Another tenant accepts the tokens of %s for the audience %s. Have the issuer name another audience for this tenant.":                                                    "Une autre organisation accepte les jetons de %s pour l’audience %s. Faites nommer par l’émetteur une autre audience pour cette organisation.",

		// tokens and logins
		"Send a bearer token.":                                                    "Envoyez un jeton d’accès (Bearer).",
		"This token is not valid. Sign in again.":                                 "Ce jeton n’est pas valide. Reconnectez-vous.",
		"This token has expired. Sign in again.":                                  "Ce jeton a expiré. Reconnectez-vous.",
		"This token is not valid yet. Compare the clock of its issuer with ours.": "Ce jeton n’est pas encore valide. Comparez l’horloge de son émetteur avec la nôtre.",
		"This token is meant for somebody else: its audience (aud) has none of the names that are accepted here.": "Ce jeton est destiné à quelqu’un d’autre : son audience (aud) n’a aucun des noms acceptés ici.",
		"No tenant accepts tokens of this issuer for this audience (iss and aud).":                                "Aucune organisation n’accepte les jetons de cet émetteur pour cette audience (iss et aud).",
		"The person of this login was deleted.":                                                                   "La personne de ce compte de connexion a été supprimée.",
		"Nobody here has this login.":                                                                             "Personne ici n’a ce compte de connexion.",
		"The keys of the issuer %s cannot be had now. Try again in a moment.":                                     "Les clés de l’émetteur %s ne peuvent pas être obtenues pour le moment. Réessayez dans un instant.",
		"The address %s is not in the issuer's allow-list, and without TLS no other is called.":                   "L’adresse %s n’est pas dans la liste autorisée de l’émetteur, et sans TLS aucune autre n’est appelée.",
	})
}
