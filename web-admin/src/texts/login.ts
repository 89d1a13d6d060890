export const login = {
  title: (place: string) => place || 'lanline',
  lead: 'Log in to the console.',
  name: 'Name',
  nameHint: 'The short one, such as olivia.',
  password: 'Password',
  submit: 'Log in',
  toPhone: 'To the phone',
  forgotten: 'Password forgotten?',
  forgottenBody:
    'On the machine itself, run: lanline user passwd <name>. On a flashed card, put an empty file reset-owner on its boot partition and start again.',
} as const
