package lang

import "maps"

// What stands in the way at an LDAP directory.
func init() {
	maps.Copy(french, map[string]string{
		// settings
		"The address has the form ldap://host:389 or ldaps://host:636.":                                                                "L’adresse a la forme ldap://hote:389 ou ldaps://hote:636.",
		"The address is only a scheme, a host and a port; names and bases have settings of their own.":                                 "L’adresse se réduit à un protocole, un hôte et un port ; les noms et les bases ont leurs propres réglages.",
		"A bind name needs its password.":                                                                                              "Il faut un mot de passe pour le nom de connexion.",
		"This is not a distinguished name such as ou=people,dc=example,dc=org.":                                                        "Ce n’est pas un nom distinctif tel que ou=people,dc=example,dc=org.",
		"%q is not the name of an object class.":                                                                                       "%q n’est pas le nom d’une classe d’objets.",
		"A page has between 1 and 10000 entries.":                                                                                      "Une page contient de 1 à 10000 entrées.",
		"New entries must be below the base %s.":                                                                                       "Les nouvelles entrées doivent être sous la base %s.",
		"The first part of the name contains {username}, so that no two entries have the same one, and there is no other placeholder.": "La première partie du nom contient {username}, pour que deux entrées n’aient jamais le même, et il n’y a pas d’autre champ à remplir.",
		"A value is needed, other than that of enabled accounts.":                                                                      "Il faut une valeur, différente de celle des comptes actifs.",
		"To move disabled accounts, the branch for them is needed.":                                                                    "Pour déplacer les comptes désactivés, il faut leur branche.",
		"The branch of disabled accounts must be below the base %s, or their usernames would seem free.":                               "La branche des comptes désactivés doit être sous la base %s, sinon leurs identifiants sembleraient libres.",
		"Disabled accounts need another branch than new ones.":                                                                         "Il faut aux comptes désactivés une autre branche qu’aux nouveaux.",
		"A posixGroup needs a number, so groups of this class must be made by hand.":                                                   "Un posixGroup a besoin d’un numéro, les groupes de cette classe doivent donc être créés à la main.",
		"A group of class %s must have a member, so a placeholder is needed.":                                                          "Un groupe de classe %s doit avoir un membre, il faut donc en prévoir un d’attente.",
		"The directory knows no %s %s.":                                                                                                "L’annuaire ne connaît pas %w %s.",
		"Accounts cannot be locked, because the directory works without the password policy overlay.":                                  "Les comptes ne peuvent pas être verrouillés, car l’annuaire fonctionne sans le module de politique des mots de passe (ppolicy).",
		"This directory is set not to disable accounts (disable: none).":                                                               "Cet annuaire est réglé pour ne pas désactiver les comptes (disable: none).",

		// the way there
		"The directory cannot be reached: %v.":                                                                "L’annuaire est injoignable : %v.",
		"The directory broke off the greeting: %v.":                                                           "L’annuaire a interrompu la prise de contact : %v.",
		"The directory cannot be worked with: %s.":                                                            "L’annuaire ne répond pas comme il faut : %s.",
		"The connection to the directory broke.":                                                              "La connexion à l’annuaire a été coupée.",
		"The directory does not accept the bind name or its password.":                                        "L’annuaire n’accepte pas le nom de connexion ou son mot de passe.",
		"The directory wants an encrypted connection: set start_tls to required, or use an ldaps:// address.": "L’annuaire veut une connexion chiffrée : réglez start_tls sur required, ou utilisez une adresse ldaps://.",
		"The directory does not offer StartTLS: use an ldaps:// address, or set start_tls to none and accept that the password crosses the network in clear.": "L’annuaire ne propose pas StartTLS : utilisez une adresse ldaps://, ou réglez start_tls sur none et acceptez que le mot de passe traverse le réseau en clair.",
		"This directory is a copy that refers writers elsewhere. Set the address to that of the provider.":                                                    "Cet annuaire est une copie qui renvoie ailleurs les écritures. Indiquez l’adresse du serveur principal.",

		// entries and groups
		"The directory does not let %s %s. Give this account the right to, or see the documentation for the rights that are needed.": "L’annuaire n’autorise pas %w à %w. Donnez-en le droit à ce compte, ou consultez la documentation pour les droits nécessaires.",
		"The directory refuses to %s: %s.":                                                    "L’annuaire refuse cette opération (%w) : %s.",
		"The directory does not accept the value of %s: %s.":                                  "L’annuaire n’accepte pas la valeur de %s : %s.",
		"An account in the directory needs a username.":                                       "Il faut un identifiant pour un compte dans l’annuaire.",
		"The directory refuses this username, most likely because its %d bytes are too many.": "L’annuaire refuse cet identifiant, très probablement parce que ses %d octets sont trop nombreux.",
		"The directory has no entry %s, or does not show it to %s.":                           "L’annuaire n’a pas d’entrée %s, ou ne la montre pas à %w.",
		"The directory does not show the attribute %s of %s to %s.":                           "L’annuaire ne montre pas l’attribut %s de %s à %w.",
		"Several entries of the directory have %s, such as %s and %s. Only one may.":          "Plusieurs entrées de l’annuaire ont %w, par exemple %s et %s. Une seule le peut.",
		"Several groups of the directory have the code %s, such as %s and %s.":                "Plusieurs groupes de l’annuaire ont le code %s, par exemple %s et %s.",
		"The directory has an entry %s that is not a group of class %s.":                      "L’annuaire a une entrée %s qui n’est pas un groupe de classe %s.",
		"The directory has no group %s below %s. Create it there, or set create_groups.":      "L’annuaire n’a pas de groupe %s sous %s. Créez-le à cet endroit, ou activez create_groups.",
	})
}
