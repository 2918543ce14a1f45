/**
 * English, the language in which every text exists. Values in braces are filled in by the page; pages keep them separate, so they may be anywhere in a text.
 * Short sentences, common words, and the words that people know from their apps: no terms of standards.
 */
export const en = {
  // Words that several pages share.
  'word.account': 'Account',
  'word.app': 'App',
  'word.device': 'Device',
  'word.name': 'Name',
  'word.reference': 'Reference: {reference}',
  'word.details': 'Details: {details}',
  'word.careful': 'Careful:',
  'word.named': '{name} ({more})',
  'word.matrix-app': 'A Matrix app',
  'word.another-app': 'another app',
  'word.utc': '{time} UTC',
  'action.allow': 'Allow',
  'action.back': 'Back',
  'action.cancel': 'Cancel',
  'action.continue': 'Continue',
  'action.another-account': 'Use another account',
  'action.try-again': 'Try again',
  'action.return-to': 'Return to {place}',
  'action.return-to-app': 'Return to the app',
  'place.this-computer': 'an app on this computer',
  'place.app-behind': 'the app behind {scheme}',

  'home.title': 'Sign-in service',
  'home.about':
    'This is the sign-in service of {server}. Open your app to sign in: there is nothing to do here.',

  // What went wrong, whatever the page.
  'refused.title': 'This request was refused',
  'refused.unreadable':
    'Your browser was sent here with a request that cannot be read. Go back to where you came from and start again.',
  'refused.unacceptable':
    'The app that sent you here made a request that cannot be carried out. Go back to the app and start again.',
  'refused.no-way-back':
    'The app that sent you here did not say where to return to in a way that can be used. Go back to the app and start again.',
  'refused.no-such-provider':
    'There is no such identity provider here. Please return to your app and choose another one.',
  'refused.sso-off':
    'Single sign-on is switched off on this server. Go back to the app and sign in another way.',
  'refused.path': 'There is nothing at this address. It may have been copied only in part.',
  'refused.path.title': 'This page does not exist',
  'refused.path.way-on': 'Go to the start page',
  'refused.method': 'This address cannot be used in this way.',
  'refused.rate.title': 'Too many attempts',
  'refused.rate': {
    one: 'There were too many attempts. Please wait {count} second, and try again.',
    other: 'There were too many attempts. Please wait {count} seconds, and try again.',
  },
  'refused.unavailable.title': 'Not available at the moment',
  'refused.unavailable': 'Something that is needed for this does not respond. Please try again in a moment.',
  'refused.unavailable.lasting':
    'Something that is needed for this does not work, and trying again does not change that. Please tell your administrator the reference.',
  'refused.fault.title': 'Something went wrong',
  'refused.fault': 'This is a fault of the service, not yours. Please tell your administrator the reference.',
  'refused.form':
    'This form is out of date, or was not sent from its own page. Please go back and try again.',

  // The sign-in through the identity provider.
  'sign-in.unknown':
    'This sign-in is not known here: it was finished, is too old, or was begun elsewhere. Please return to your app and begin again.',
  'sign-in.other-browser':
    'This sign-in is finished, or was begun in another browser. Please return to your app and begin again.',
  'sign-in.finished': 'This sign-in is finished. Please return to your app.',
  'sign-in.answered': 'This sign-in was already answered. Please return to your app.',
  'sign-in.nobody': 'Nobody has signed in for this yet. Please return to your app and begin again.',
  'sign-in.not-signed-in': 'You are not signed in',
  'sign-in.denied': 'The identity provider did not sign you in.',
  'sign-in.not-accepted':
    'The answer of the identity provider was not accepted. Please try again, or ask your administrator.',
  'sign-in.not-accepted.lasting':
    'The answer of the identity provider cannot be accepted, and trying again does not change that. Please tell your administrator the reference.',
  'sign-in.provider-error.title': 'The identity provider reported an error',
  'sign-in.provider-error':
    'The identity provider sent you back with an error: {code}. Please return to your app and begin again. If it happens again, tell your administrator.',
  'sign-in.no-localpart':
    'Your account at the identity provider has no usable value for: {claims}. Please ask your administrator.',
  'sign-in.bad-localpart':
    '“{value}” ({claims}) cannot be a Matrix user ID: {fault}. Please ask your administrator.',
  'sign-in.taken': '{user} belongs to another account. Please ask your administrator.',
  'sign-in.reserved':
    'The name {user} is reserved for other purposes on this server, such as a bridge. Please ask your administrator.',
  'sign-in.name-not-accepted':
    'The server does not accept {user} as the name of a new account. Please ask your administrator.',
  'sign-in.age-unknown':
    'The app wants you to sign in again, but the identity provider did not say when you last did. Please ask your administrator.',
  'sign-in.too-old':
    'The app wants you to sign in again, but the identity provider used an earlier sign-in. Please sign out there, then try again.',
  'sign-in.deactivated': 'This account has been deactivated.',
  'sign-in.locked': 'This account is locked, so nobody can sign in to it now. Please ask your administrator.',
  'sign-in.other-person': 'This is the account of somebody else.',
  'sign-in.not-allowed':
    'Your account at the identity provider is not allowed to use this service. Please ask your administrator.',
  'sign-in.not-allowed.needs':
    'Your account at the identity provider is not allowed to use this service. It needs: {rule}. Please ask your administrator.',
  'sign-in.not-allowed.has':
    'Your account at the identity provider is not allowed to use this service. It must not have: {rule}. Please ask your administrator.',
  'sign-in.another-account': 'Try with another account',
  'sign-in.provider-down':
    'The identity provider does not respond as it should. Nothing is lost: please try again in a moment.',
  'sign-in.provider-unfit':
    'The identity provider cannot be used from here, and trying again does not change that. Please tell your administrator the reference.',
  'sign-in.elsewhere': 'Or sign in somewhere else',
  'sign-in.choose.title': 'Where do you want to sign in?',

  // The way back to an app.
  'hand-over.title': 'Continue in the app',
  'hand-over.opens': 'Your browser should now open {place}. If it asks whether it may, agree.',
  'hand-over.open': 'Open the app',
  'hand-over.nothing':
    'If nothing happens, press the button. If that does not help either, the app is not on this device: install it, or open it, and come back to this page. The button works for a few minutes.',
  'hand-over.over.title': 'This step is over',
  'hand-over.over':
    'The app has used its answer already, or too much time has passed. Check the app: if you are not signed in there, begin again.',
  'hand-over.form.title': 'Return to the app',
  'hand-over.form': 'One more step: return to the app with its answer.',

  // An app asks for access.
  'consent.title': 'Allow this sign-in?',
  'consent.wants': '{app} wants to sign in to your account.',
  'consent.website': 'Website of the app',
  'consent.unverified': '{host} (unverified: anybody could name it)',
  'consent.return': 'You will return to',
  'consent.replaces':
    'this device ID belongs to a sign-in of {app}. If you allow this, that app is signed out.',
  'consent.admin': 'it also asks for your rights as an administrator of this server.',
  'consent.means':
    'It will be able to read and send messages as you. Allow it only if you have just begun to sign in with this app yourself.',
  'consent.means.other': 'Allow it only if you have just begun to sign in with this app yourself.',
  'consent.not-permitted': 'You may not have what {app} asks for. Ask the people who run this service.',
  'consent.terms': 'Terms of service of the app',
  'consent.privacy': 'Privacy policy of the app',
  'consent.choose': 'Choose what to sign out',
  'consent.crowded': {
    one: 'You have reached the maximum number of sessions. Choose at least one to sign out for this one. Messages that only such a device can read are lost with it.',
    other:
      'You have reached the maximum number of sessions. Choose at least {count} to sign out for this one. Messages that only such a device can read are lost with it.',
  },
  'consent.crowded.of-app': {
    one: 'At least {count} of them has to be of this app.',
    other: 'At least {count} of them have to be of this app.',
  },
  'consent.session': '{app}, device {device}, last used {date}',
  'consent.device-unknown': 'unknown',

  // Sign-in on another device.
  'device.title': 'Sign in on another device',
  'device.type': 'Type the code that your other device shows.',
  'device.compare': 'Continue only if your other device shows exactly this code.',
  'device.code': 'Code',
  'device.warning':
    'Never type a code that somebody sent you or told you: whoever has the other device will be signed in as you.',
  'device.unknown-code':
    'This code is not known here. It may have expired: look at your other device, and type it again.',
  'device.type-again': 'Type a code again',
  'device.confirm.title': 'Did you start this sign-in?',
  'device.confirm':
    '{app} on another device wants to sign in to your account. Allow it only if you started this yourself, just now, and have the device before you.',
  'device.address': 'It asked from the address',
  'consent.asks': 'It asks for',
  'scope.api': 'Reading and sending messages as you',
  'scope.openid': 'Your Matrix user ID and name',
  'scope.admin': 'Your rights as an administrator of this server',
  'scope.other': 'Something else: {name}',
  'device.means':
    'It will be able to read and send messages as you. If somebody asked you to do this, press Cancel.',
  'device.means.other': 'If somebody asked you to do this, press Cancel.',
  'device.allowed.title': 'Your device is signed in',
  'device.allowed': 'Continue on your other device. You can close this page.',
  'device.refused.title': 'The sign-in was refused',
  'device.refused': 'The other device is not signed in. You can close this page.',
  'device.expired': 'This code was used or has expired. Please begin again on your device.',
  'device.claimed': 'This code was claimed by another person.',

  // Single sign-on for apps without registration.
  'sso.title': 'Continue to {place}?',
  'sso.about': 'You are about to be signed in there.',
  'sso.unprotected':
    'the connection to it is not encrypted. Anybody on the same network could sign in as you.',
  'sso.crowded':
    'You have reached the maximum number of sessions. Sign out one of them in {account} first, unless you are signing in again on a device that is already signed in.',
  'sso.your-account': 'your account',
  'sso.means':
    'The app there will be able to read and send messages as you. Continue only if you have just begun to sign in with it yourself.',
  'sso.refused.title': 'You were not signed in',
  'sso.refused': 'Nothing was sent to {place}. You can close this page.',
  'fallback.title': 'Sign in',
  'fallback.no-script':
    'This page needs JavaScript to return the sign-in to your app, but JavaScript is switched off. Switch it on, or sign in another way in your app.',
  'fallback.start': 'Your app sent you here to sign in to Matrix.',
  'fallback.busy': 'Signing in…',
  'fallback.done': 'You are signed in. You can return to your app.',
  'fallback.unheard':
    'You were not signed in: no app is waiting for it. This page is for apps that show it themselves, not for browsers.',
  'fallback.failed': 'You could not be signed in. Perhaps it took too long: please try again.',

  // Proving that it is still the same person.
  'prove.title': 'Confirm that it is you',
  'prove.sign-out-devices': {
    one: 'An app in which you are signed in wants to sign out this device:',
    other: 'An app in which you are signed in wants to sign out these devices:',
  },
  'prove.sign-out-nothing':
    'An app in which you are signed in wants to sign out devices that are already gone.',
  'prove.more': { one: 'and {count} more.', other: 'and {count} more.' },
  'prove.asked-on': 'Asked for on',
  'prove.means':
    'Sign in once more to confirm this. If you did not ask for it, close this page: then nothing happens.',
  'prove.other.title': 'This is another account',
  'prove.other':
    'Only {user} can confirm this. You have signed in as somebody else at the identity provider.',
  'prove.done.title': 'Confirmed',
  'prove.done': 'Thank you. Go back to your app; you can close this page.',
  'prove.nothing':
    'There is nothing to confirm here, or the request is too old. Please begin again in your app.',

  // The account.
  'account.title': 'Your account',
  'account.locked': 'Your account is locked. Please ask your administrator.',
  'account.sessions': 'Where you are signed in',
  'account.nowhere': 'You are not signed in anywhere.',
  'account.nowhere-else': 'You are not signed in anywhere else.',
  'account.older': 'Older sessions',
  'account.end-all': 'Sign out everywhere',
  'account.end-all.title': 'Sign out everywhere?',
  'account.end-all.means': {
    one: 'The one session that you have will end at once, and its device is deleted. Messages that can be read only on this device are lost, unless their keys are backed up.',
    other:
      'All {count} sessions that you have will end at once, and the devices are deleted. Messages that can be read only on these devices are lost, unless their keys are backed up.',
  },
  'account.leave': 'Leave this page',
  'account.leave.means': 'Leaving signs you out of this page only. Your apps stay signed in.',
  'account.left.title': 'You have left the account page',
  'account.left': 'Your apps stay signed in. You may still be signed in at your identity provider.',
  'account.open-again': 'Open your account again',
  'account.ended': 'The session has ended.',
  'account.all-ended': 'All your sessions have ended.',
  'account.session.title': 'Session',
  'account.session.details': 'Details of {device}',
  'account.session.end': 'Sign out {device}',
  'account.session.signed-in': 'Signed in',
  'account.session.last-active': 'Last active',
  'account.session.device-name': 'Device name',
  'account.end': 'Sign out',
  'account.end.title': 'Sign out this session?',
  'account.end.means':
    'The app will be signed out at once, and its device is deleted. Messages that can be read only on this device are lost, unless their keys are backed up.',
  'account.back-to-list': 'See where you are signed in',
  'account.unknown-action':
    'Your app asked for something that this page does not offer, or did not say which device it meant. This is your account.',
  'account.key-reset': 'Replace your encryption keys',
  'account.key-reset.title': 'Replace your encryption keys?',
  'account.key-reset.means':
    'Your app can then set up a new identity for you, for the next ten minutes. Do this only if your app has asked for it, because you can use none of your other devices and have lost your recovery key.',
  'account.key-reset.warning':
    'Other people will see that your identity has changed, and have to verify you again. Old messages can be read only if their keys are backed up and you have the recovery key.',
  'account.key-reset.done.title': 'Go back to your app',
  'account.key-reset.done':
    'Your app can replace your encryption keys now. Go back to it and continue there within ten minutes; you can close this page.',
  'account.no-session': 'You have no such session. It may have ended.',
} as const;
