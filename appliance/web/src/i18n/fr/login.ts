import type { Catalogue } from "../en";

export const login: Catalogue["login"] = {
  title: "Identification",
  username: "Nom",
  password: "Mot de passe",
  submit: "S’identifier",
  showPassword: "Afficher le mot de passe",
  hidePassword: "Masquer le mot de passe",
  withLink: "Ouverture de votre session…",
  linkFailed: {
    title: "Ce lien ne fonctionne plus",
    text: "Un lien de connexion sert une seule fois, pour une durée limitée. Demandez-en un nouveau à un administrateur, ou identifiez-vous ci-dessous avec votre mot de passe.",
  },
  failed: "Le nom et le mot de passe ne correspondent pas. Vérifiez-les, puis réessayez.",
  locked: (wait) => `Trop d’essais. Vous pourrez réessayer dans ${wait}.`,
  ended: "Votre session a pris fin. Identifiez-vous pour reprendre où vous en étiez ; votre saisie est conservée.",
  noPassword: "Pas encore de mot de passe ? Ouvrez le lien de connexion remis par un administrateur.",
  promise: "Tout reste sur cette machine : documents, questions et réponses.",
  missing: "À remplir",
};
