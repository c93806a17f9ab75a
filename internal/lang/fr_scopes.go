package lang

import "maps"

// What is refused to somebody whose rights are over some units.
func init() {
	maps.Copy(french, map[string]string{
		"This needs the privilege %s, which %s does not have.":                                                                           "Il faut pour cela le droit %s, que %s n’a pas.",
		"There is no such person to be the manager.":                                                                                     "Cette personne, qui devrait être le responsable, n’existe pas.",
		"%s is in none of the units in which you may change people.":                                                                     "%s n’est dans aucune des unités dont vous pouvez modifier les personnes.",
		"Only who may change people of the whole tenant may set this.":                                                                   "Seul peut définir cette valeur qui peut modifier toutes les personnes.",
		"%s is in other units, too. Only who may change people in all of them may change this.":                                          "%s est aussi dans d’autres unités. Seul peut modifier cette valeur qui peut modifier les personnes de toutes.",
		"Only who may change people of the whole tenant may change groups.":                                                              "Seul peut modifier les groupes qui peut modifier toutes les personnes.",
		"%s is not one of the units in which you may change people.":                                                                     "%s n’est pas une des unités dont vous pouvez modifier les personnes.",
		"Another unit is primary, and it is not one in which you may change people.":                                                     "Une autre unité est principale, et vous ne pouvez pas modifier les personnes de celle-ci.",
		"%q is that of somebody who is in none of your units, or was.":                                                                   "%q est, ou était, à quelqu’un qui n’est dans aucune de vos unités.",
		"Who may change people of some units only enrols people into one of these. Name the unit.":                                       "Qui ne peut modifier que les personnes de certaines unités n’en inscrit que dans l’une d’elles. Indiquez l’unité.",
		"This is somebody who is in the directory and in none of your units. Ask who may change people of the whole tenant to add them.": "Cette personne est dans l’annuaire, mais dans aucune de vos unités. Demandez à qui peut modifier toutes les personnes de l’ajouter.",
	})
}
