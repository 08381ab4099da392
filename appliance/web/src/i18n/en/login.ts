export const login = {
  title: "Sign in",
  username: "Name",
  password: "Password",
  submit: "Sign in",
  showPassword: "Show the password",
  hidePassword: "Hide the password",
  withLink: "Signing you in…",
  linkFailed: {
    title: "This link no longer works",
    text: "A sign-in link works once, and for a limited time. Ask an administrator for a new one, or sign in with your password below.",
  },
  failed: "The name and the password do not match. Check both and try again.",
  locked: (wait: string) => `Too many tries. You can try again in ${wait}.`,
  ended: "Your session has ended. Sign in to go on where you were; what you typed is kept.",
  noPassword: "No password yet? Open the sign-in link an administrator gave you.",
  promise: "Everything stays on this box: documents, questions and answers.",
  missing: "Fill this in",
};
