export const login = {
  title: (place: string) => place || 'lanline',
  lead: 'Log in to the console.',
  name: 'Name',
  nameHint: 'As the others see it, such as Olivia Brandt, or the short one: olivia-brandt.',
  password: 'Password',
  submit: 'Log in',
  toPhone: 'To the phone',
  forgotten: 'Password forgotten?',
  forgottenBody:
    'Another owner sets a new one on your page. Without one, on the machine itself: lanline user passwd <name> --password-stdin.',
} as const
