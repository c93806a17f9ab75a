package lang

import "maps"

// What the directory refuses: people, units, groups, roles.
func init() {
	maps.Copy(french, map[string]string{
		"There is no person %s.":                         "Il n’y a pas de personne %s.",
		"There is no such person.":                       "Cette personne n’existe pas.",
		"There is no unit %s.":                           "Il n’y a pas d’unité %s.",
		"There is no unit %q.":                           "Il n’y a pas d’unité %q.",
		"There is no group %s.":                          "Il n’y a pas de groupe %s.",
		"There is no group %q.":                          "Il n’y a pas de groupe %q.",
		"There is no target %s.":                         "Il n’y a pas de cible %s.",
		"There is no target %q.":                         "Il n’y a pas de cible %q.",
		"There is no target %d.":                         "Il n’y a pas de cible %d.",
		"There is no tenant %q.":                         "Il n’y a pas d’organisation %q.",
		"There is no tenant %d.":                         "Il n’y a pas d’organisation %d.",
		"There is no batch %s.":                          "Il n’y a pas de lot %s.",
		"There is no key %s.":                            "Il n’y a pas de clé %s.",
		"There is no such key.":                          "Cette clé n’existe pas.",
		"There is nothing of this id.":                   "Il n’y a rien sous cet identifiant.",
		"There is a target %q already.":                  "Il y a déjà une cible %q.",
		"There is a tenant %q already.":                  "Il y a déjà une organisation %q.",
		"There is a group %s already: %s.":               "Il y a déjà un groupe %s : %s.",
		"There is a unit %s of the kind %s already: %s.": "Il y a déjà une unité %s du type %s : %s.",
		"People cannot be sorted by %q.":                 "Les personnes ne peuvent pas être triées par %q.",

		// people
		"%s was changed meanwhile (version %d, not %d). Read it again.":                                               "%s : la fiche a été modifiée entre-temps (version %d, et non %d). Relisez-la.",
		"The membership was changed meanwhile. Read it again.":                                                        "Le rattachement a été modifié entre-temps. Relisez-le.",
		"%s was changed earlier in the same request. Read it again.":                                                  "%s : la fiche a été modifiée plus tôt dans la même requête. Relisez-la.",
		"%s was deleted. Restore first, then change.":                                                                 "%s : la fiche a été supprimée. Restaurez-la d’abord, modifiez-la ensuite.",
		"Somebody new cannot be %s.":                                                                                  "Une nouvelle personne ne peut pas avoir l’état « %w ».",
		"A person needs at least a name, an e-mail address or a username.":                                            "Il faut au moins un nom, une adresse e-mail ou un identifiant.",
		"A username can be changed and not be taken away.":                                                            "Un identifiant peut être changé, mais pas retiré.",
		"A source needs the person's id there.":                                                                       "Une origine demande aussi le numéro que la personne y porte.",
		"Nobody is their own manager.":                                                                                "Personne n’est son propre responsable.",
		"There is no person %s to be the manager.":                                                                    "La personne %s, qui devrait être le responsable, n’existe pas.",
		"Nobody in the directory belongs to this credential.":                                                         "Personne dans l’annuaire ne correspond à ces données de connexion.",
		"%q is already that of somebody earlier in the same request.":                                                 "%q est déjà à quelqu’un plus haut dans la même requête.",
		"%q is already that of row %d.":                                                                               "%q est déjà à la ligne %d.",
		"%q is already that of %s (%s).":                                                                              "%q est déjà à %s (%s).",
		"%q was somebody's before and is not given again.":                                                            "%q a déjà été à quelqu’un et n’est pas attribué de nouveau.",
		"%q was the username of %s (%s) before and is not given to anybody else.":                                     "%q a été l’identifiant de %s (%s) et n’est attribué à personne d’autre.",
		"The username %q is taken at the target.":                                                                     "L’identifiant %q est déjà pris sur la cible.",
		"At most %d words can be searched for; this has %d.":                                                          "Au plus %d mots peuvent être cherchés ; il y en a %d.",
		"Looking through all people took longer than %d seconds. Ask for less, such as one unit, or try again later.": "Parcourir toutes les personnes a pris plus de %d secondes. Demandez moins, par exemple une seule unité, ou réessayez plus tard.",

		// units and groups
		"Nobody joins a unit by being deleted.":                                                   "Personne n’entre dans une unité en étant supprimé.",
		"At most %d units may stand one below the other.":                                         "Au plus %d unités peuvent être placées les unes sous les autres.",
		"A unit cannot stand below itself.":                                                       "Une unité ne peut pas être placée sous elle-même.",
		"There are people in %s. Take them out first, or close the unit.":                         "Il y a des personnes dans %s. Retirez-les d’abord, ou fermez l’unité.",
		"There are units below %s. Move or remove them first, or close the unit.":                 "Il y a des unités sous %s. Déplacez-les ou supprimez-les d’abord, ou fermez l’unité.",
		"There are units %s of several kinds: %s. Write the kind before the code, such as %s:%s.": "Il y a des unités %s de plusieurs types : %s. Écrivez le type devant le code, par exemple %s:%s.",
		"There are people in the group %s. Take them out first, or ask for them to be taken out.": "Il y a des personnes dans le groupe %s. Retirez-les d’abord, ou demandez qu’elles en soient retirées.",
		"More than %d people are in the group %s. Take them out first.":                           "Il y a plus de %d personnes dans le groupe %s. Retirez-les d’abord.",

		// roles
		"There is no cycle %q here; there are %s.":          "Il n’y a pas de cycle %q ici ; il y a %s.",
		"There is no role %q here; there are %s.":           "Il n’y a pas de rôle %q ici ; il y a %s.",
		"There is no secondary role %q here; there are %s.": "Il n’y a pas de rôle secondaire %q ici ; il y a %s.",
		"The secondary role does not go with the role.":     "Le rôle secondaire ne va pas avec le rôle.",
		"This role is not held any more.":                   "Ce rôle n’est plus exercé.",
		"This role is held in %s already.":                  "Ce rôle est déjà exercé dans %s.",
		"This person holds no role %s.":                     "Cette personne n’exerce pas de rôle %s.",
	})
}
