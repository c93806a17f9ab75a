package lang

import "maps"

// What bodies of requests say of themselves and of their rows.
func init() {
	maps.Copy(french, map[string]string{
		// a body as a whole
		"The body is empty. Send a JSON array of objects: [{…}, {…}].":            "Le corps de la requête est vide. Envoyez un tableau JSON d’objets : [{…}, {…}].",
		"The body must be a JSON array of objects: [{…}, {…}].":                   "Le corps de la requête doit être un tableau JSON d’objets : [{…}, {…}].",
		"The body is not valid JSON at byte %d: %s.":                              "Le corps de la requête n’est pas du JSON valide à l’octet %d : %s.",
		"The body is not valid UTF-8 at byte %d.":                                 "Le corps de la requête n’est pas de l’UTF-8 valide à l’octet %d.",
		"There is something behind the end of the array, at byte %d.":             "Il y a quelque chose après la fin du tableau, à l’octet %d.",
		"The body is longer than %s. Send it in several requests.":                "Le corps de la requête dépasse %s. Envoyez-le en plusieurs requêtes.",
		"The body has more than %d rows. Send them in several requests.":          "Le corps de la requête a plus de %d lignes. Envoyez-les en plusieurs requêtes.",
		"The row with index %d is not an object.":                                 "La ligne d’indice %d n’est pas un objet.",
		"The row with index %d is longer than %s.":                                "La ligne d’indice %d dépasse %s.",
		"The row with index %d is nested deeper than %d levels.":                  "La ligne d’indice %d a plus de %d niveaux d’imbrication.",
		`There is half a character in it: a \ud8… escape without its other half.`: `Il s’y trouve la moitié d’un caractère : une séquence \ud8… sans son autre moitié.`,

		// rows
		"%q is already that of the row with index %d.":                                            "%q est déjà à la ligne d’indice %d.",
		"The row does not say who is meant: an id is needed.":                                     "La ligne ne dit pas de qui il s’agit : il faut un id.",
		"A password cannot be empty. Leave it out to set none.":                                   "Un mot de passe ne peut pas être vide. Laissez-le de côté pour n’en définir aucun.",
		"A password cannot be taken away. It was left as it is.":                                  "Un mot de passe ne peut pas être retiré. Il a été laissé tel quel.",
		"The password that came with this row is kept no longer, so none was set. Send it again.": "Le mot de passe venu avec cette ligne n’est plus conservé, aucun n’a donc été défini. Envoyez-le de nouveau.",
	})
}
