package lang

import "maps"

// What may be wrong with requests and with the settings of the server.
func init() {
	maps.Copy(french, map[string]string{
		// requests
		"The sender did not wait for the answer.":                                          "L’appelant n’a pas attendu la réponse.",
		"This took too long and was given up. Try again later, or ask for less at a time.": "Cela a duré trop longtemps et a été abandonné. Réessayez plus tard, ou demandez moins à la fois.",
		"There is nothing at this path. GET / lists where to begin.":                       "Il n’y a rien à cette adresse. GET / indique par où commencer.",
		"This path does not have that method. It has %s.":                                  "Cette adresse n’a pas cette méthode. Elle a %s.",
		"The body is nested deeper than %d levels (limit body-depth).":                     "Le corps de la requête est imbriqué sur plus de %d niveaux (limite body-depth).",

		// health
		"The database does not answer.":               "La base de données ne répond pas.",
		"The version of the database cannot be read.": "La version de la base de données ne peut pas être lue.",
		"Nobody knows whether this was done: the connection to the database broke at the last moment. Look whether it is there before you ask for it again.": "Personne ne sait si cela a été fait : la connexion à la base de données s’est rompue au dernier moment. Regardez si c’est là avant de redemander.",
		"The database has version %d, this program needs %d.": "La base de données est en version %d, ce programme a besoin de la version %d.",
		"The workers are not running.":                        "Les tâches de fond ne tournent pas.",

		// settings
		"The file %s cannot be read.": "Le fichier %s ne peut pas être lu.",
		"%q is no address to listen on. It needs the form 127.0.0.1:8080, or :8080 for all of the machine's addresses.": "%q n’est pas une adresse d’écoute. Il faut la forme 127.0.0.1:8080, ou :8080 pour toutes les adresses de la machine.",
		"The database is given as postgres://user:password@host/name, or not at all for SQLite.":                        "La base de données se donne sous la forme postgres://utilisateur:motdepasse@hote/nom, ou pas du tout pour SQLite.",
		"The sealing key is given twice: as a file and as itself. Keep one of them.":                                    "La clé de scellement est donnée deux fois : comme fichier et elle-même. N’en gardez qu’une.",
		"%q is none of debug, info, warn, error.":                                                                       "%q n’est ni debug, ni info, ni warn, ni error.",
		"%q is neither text nor json.":                                                                                  "%q n’est ni text ni json.",
		"The number of workers is 1 to 1000, or -1 for none.":                                                           "Le nombre de tâches de fond est de 1 à 1000, ou -1 pour aucune.",
		"%q is no address that people can open. It needs the form https://accounts.example.org.":                        "%q n’est pas une adresse que l’on peut ouvrir. Il faut la forme https://comptes.example.org.",
		"Nobody can open a link that leads to %s. Say where people reach this server: https://accounts.example.org.":    "Personne ne peut ouvrir un lien qui mène à %s. Dites où l’on joint ce serveur : https://comptes.example.org.",
		"There is a login for a mail server, and no mail server. Say which one: mail.example.org:587.":                  "Il y a un nom de connexion pour un serveur de messagerie, mais pas de serveur. Dites lequel : mail.example.org:587.",
		"The password of the mail server is given twice: as a file and as itself. Keep one of them.":                    "Le mot de passe du serveur de messagerie est donné deux fois : comme fichier et lui-même. N’en gardez qu’un.",
		"%q is neither fr nor en.": "%q n’est ni fr ni en.",
		"A password has at least 8 characters; the least number may be set to 8 to 128.": "Un mot de passe a au moins 8 caractères ; ce minimum peut être réglé de 8 à 128.",
	})
}
