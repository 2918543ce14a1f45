/**
 * What runs on the fallback page. Old apps show it in a web view and put `matrixLogin.onLogin` (once: `onLogin`) in place when it has loaded; so the
 * login token is redeemed only once an app listens, else there would be a session that nobody has. Written for old web views: no module, no syntax
 * of recent years. Non-credential parameters of the page's query go to the login; the page's own address, with them, is where the IdP's answer comes.
 */
export const fallbackScript = `
(function () {
  'use strict';
  var matrixLogin = (window.matrixLogin = window.matrixLogin || {});
  var api = location.pathname.replace(/\\/static\\/client\\/login\\/?$/, '/client/v3/login');
  var query = new URLSearchParams(location.search);
  var token = query.get('loginToken');
  query.delete('loginToken');
  var rest = query.toString();
  var own = location.pathname + (rest ? '?' + rest : '');

  function show(id) {
    ['start', 'busy', 'done', 'unheard', 'failed'].forEach(function (other) {
      document.getElementById(other).hidden = other !== id;
    });
  }

  function listener() {
    if (typeof matrixLogin.onLogin === 'function') return matrixLogin.onLogin.bind(matrixLogin);
    return typeof window.onLogin === 'function' ? window.onLogin : undefined;
  }

  function logIn() {
    var body = { type: 'm.login.token', token: token };
    if (query.get('device_id')) body.device_id = query.get('device_id');
    if (query.get('initial_device_display_name'))
      body.initial_device_display_name = query.get('initial_device_display_name');
    if (query.get('refresh_token') === 'true') body.refresh_token = true;
    fetch(api, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      credentials: 'omit',
    })
      .then(function (response) {
        if (!response.ok) throw new Error('refused');
        return response.json();
      })
      .then(
        function (answer) {
          show('done');
          listener()(answer);
        },
        function () {
          show('failed');
        },
      );
  }

  document.querySelectorAll('a.start').forEach(function (link) {
    link.href = api + '/sso/redirect?redirectUrl=' + encodeURIComponent(location.origin + own);
  });
  if (token === null) {
    show('start');
    return;
  }
  history.replaceState(null, '', own);
  show('busy');
  var tries = 0;
  (function listen() {
    if (listener()) logIn();
    else if ((tries += 1) < 100) setTimeout(listen, 50);
    else show('unheard');
  })();
})();
`;
