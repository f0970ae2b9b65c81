// Enhancements only: every page works without this file. Texts come from data
// attributes of <body>, so that this file is the same in every language.
(function () {
  'use strict';
  var doc = document, body = doc.body, words = body.dataset;
  doc.documentElement.classList.add('on');

  function $(selector, root) { return (root || doc).querySelector(selector); }
  function all(selector, root) { return Array.prototype.slice.call((root || doc).querySelectorAll(selector)); }
  function fill(text, n) { return (text || '').replace('{n}', n); }

  var toastTimer;
  function toast(text) {
    var t = $('#toast');
    if (!t) return;
    t.textContent = text;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(function () { t.textContent = ''; }, 4000);
  }

  // ---- how long ago -------------------------------------------------------
  function tick() {
    all('time[datetime]').forEach(function (t) {
      // Whatever shows a full date keeps it.
      if (!t.title || t.textContent === t.title) return;
      var s = (Date.now() - new Date(t.getAttribute('datetime'))) / 1000;
      if (!(s < 7 * 86400)) return;
      var text = s < 60 ? words.now
        : s < 3600 ? fill(words.minutes, Math.floor(s / 60))
        : s < 86400 ? fill(words.hours, Math.floor(s / 3600))
        : fill(words.days, Math.floor(s / 86400));
      if (t.textContent !== text) t.textContent = text;
    });
  }
  setInterval(tick, 30000);

  // ---- likes, boosts, bookmarks without leaving the page ------------------
  function flip(form) {
    var button = $('button', form), on = button.getAttribute('aria-pressed') !== 'true';
    var verb = form.dataset.toggle, count = $('.n', button);
    button.setAttribute('aria-pressed', on);
    form.action = form.action.replace(/\/(un)?(\w+)$/, '/' + (on ? 'un' : '') + verb);
    if (count) {
      var n = (parseInt(count.textContent.replace(/\D/g, ''), 10) || 0) + (on ? 1 : -1);
      count.textContent = n > 0 ? n.toLocaleString('en') : '';
    }
  }
  doc.addEventListener('submit', function (e) {
    var form = e.target;
    if (!form.dataset || !form.dataset.toggle) return;
    e.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = '1';
    var url = form.action;
    flip(form);
    fetch(url, {
      method: 'POST', body: new URLSearchParams(new FormData(form)),
      credentials: 'same-origin', redirect: 'manual'
    }).then(function (r) {
      // The answer is a redirect back to this page, which we need not follow.
      if (!(r.ok || r.type === 'opaqueredirect')) throw new Error('refused');
    }).catch(function () { flip(form); toast(words.failed); })
      .then(function () { delete form.dataset.busy; });
  });

  // ---- menus, copying -----------------------------------------------------
  doc.addEventListener('click', function (e) {
    all('details.more[open]').forEach(function (d) { if (!d.contains(e.target)) d.open = false; });
    var b = e.target.closest('[data-copy],[data-copy-from]');
    if (!b) return;
    var from = b.dataset.copyFrom && doc.getElementById(b.dataset.copyFrom);
    var text = from ? from.value : new URL(b.dataset.copy, location.href).href;
    var menu = b.closest('details');
    if (menu) menu.open = false;
    if (navigator.clipboard) {
      navigator.clipboard.writeText(text).then(function () { toast(words.copied); }, function () { toast(text); });
    } else if (from) {
      from.select();
      if (doc.execCommand('copy')) toast(words.copied);
    } else {
      toast(text);
    }
  });

  // ---- what arrives while the page is open --------------------------------
  function live(stream) {
    if (!window.EventSource) return;
    var source = new EventSource(stream.dataset.live), button = $('.fresh', stream);
    var waiting = [], timer, whole = 'whole' in stream.dataset;
    var now = new URL(location.href);
    // An older page of a list has nothing new to show.
    if (now.searchParams.has('max_id')) { source.close(); return; }

    function newest() { var a = waiting[0] || $('article[data-id]', stream); return a ? a.dataset.id : ''; }
    function page(id) {
      var u = new URL(location.href);
      u.hash = '';
      if (id) u.searchParams.set('min_id', id);
      return fetch(u, { credentials: 'same-origin', headers: { Accept: 'text/html' } }).then(function (r) {
        if (!r.ok) throw new Error('refused');
        return r.text();
      }).then(function (text) { return new DOMParser().parseFromString(text, 'text/html'); });
    }
    function known(id) { return !!doc.getElementById('p-' + id) || !!doc.getElementById('i-' + id) || waiting.some(function (w) { return w.dataset.id === id; }); }
    function reading() { return window.scrollY > 240 || stream.contains(doc.activeElement) || doc.hidden; }
    function show() {
      var before = button ? button.nextSibling : stream.firstChild;
      waiting.forEach(function (a) { a.classList.add('arrive'); stream.insertBefore(a, before); });
      waiting = [];
      if (button) button.hidden = true;
      // What was shown for an empty list is no longer true.
      var calm = stream.nextElementSibling;
      if (calm && calm.classList.contains('calm')) calm.remove();
      tick();
    }
    function fetchNew() {
      if (whole) { return refresh(); }
      page(newest()).then(function (d) {
        var fresh = all('.stream[data-live] article[data-id]', d).filter(function (a) { return !known(a.dataset.id); });
        if (!fresh.length) return;
        waiting = fresh.map(function (a) { return doc.importNode(a, true); }).concat(waiting);
        if (!reading() || !button) { show(); return; }
        button.textContent = fill(words.new, waiting.length);
        button.hidden = false;
      }).catch(function () { /* the next event tries again */ });
    }
    // A thread is shown anew as a whole, leaving the form alone.
    function refresh() {
      page().then(function (d) {
        var next = $('.thread', d);
        if (!next) return;
        var after = $('.after', next), old = $('.after', stream);
        if (after && !old) stream.appendChild(doc.importNode(after, true));
        else if (after && !old.contains(doc.activeElement)) old.replaceWith(doc.importNode(after, true));
        tick();
      }).catch(function () { /* the next event tries again */ });
    }
    function soon() { clearTimeout(timer); timer = setTimeout(fetchNew, 300); }
    function postId(data) {
      try { var p = JSON.parse(data); return String(p && p.id || p); } catch (err) { return String(data); }
    }
    if (button) button.addEventListener('click', function () { show(); window.scrollTo(0, 0); });
    source.addEventListener('update', soon);
    source.addEventListener('notification', function () {
      if (stream.dataset.inbox !== undefined) soon();
      all('[data-unread]').forEach(function (b) { b.firstChild.textContent = (parseInt(b.firstChild.textContent, 10) || 0) + 1; });
    });
    source.addEventListener('status.update', function (e) {
      var id = postId(e.data), mine = doc.getElementById('p-' + id);
      if (!mine || mine.contains(doc.activeElement)) return;
      page().then(function (d) {
        var next = d.getElementById('p-' + id);
        if (next) mine.replaceWith(doc.importNode(next, true));
        tick();
      }).catch(function () { /* it is shown when the page is next opened */ });
    });
    source.addEventListener('delete', function (e) {
      var gone = doc.getElementById('p-' + e.data);
      if (gone && !gone.classList.contains('focused')) gone.remove();
      waiting = waiting.filter(function (a) { return a.dataset.id !== e.data; });
    });
    window.addEventListener('pagehide', function () { source.close(); });
  }
  all('[data-live]').forEach(live);

  // ---- the composer -------------------------------------------------------
  all('.composer').forEach(function (form) {
    var text = $('textarea[data-max]', form), summary = $('[name=summary]', form), max = +text.dataset.max;
    var out = doc.getElementById('count-text');
    function count() {
      // Addresses count for 23 and mentions without their server, as on the server.
      var s = (text.value + (summary ? summary.value : '')).replace(/https?:\/\/[^\s]+/g, 'xxxxxxxxxxxxxxxxxxxxxxx')
        .replace(/(@\w[\w.-]*)@[\w.-]+\w/g, '$1');
      var left = max - Array.from(s).length;
      out.textContent = fill(left < 0 ? words.over : words.left, Math.abs(left));
      out.classList.toggle('over-limit', left < 0);
    }
    // An answer begins with names: what is typed comes after them.
    if (text.value) text.setSelectionRange(text.value.length, text.value.length);
    if (max) {
      text.addEventListener('input', count);
      if (summary) summary.addEventListener('input', count);
      if (text.value) count();
    }
    function reach() {
      var chosen = $('[name=visibility]:checked', form);
      if (!chosen) return;
      all('.reach [data-for]', form).forEach(function (s) { s.classList.toggle('set', s.dataset.for === chosen.value); });
    }
    form.addEventListener('change', reach);
    reach();
    form.addEventListener('keydown', function (e) {
      if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); form.requestSubmit(); }
    });
    form.addEventListener('submit', function () {
      var b = $('.send button', form);
      setTimeout(function () { b.disabled = true; }, 0);
    });
    window.addEventListener('pageshow', function () { $('.send button', form).disabled = false; });
  });

  // ---- pictures before they are sent --------------------------------------
  all('input[type=file]').forEach(function (input) {
    input.addEventListener('change', function () {
      var file = input.files[0], place = input.closest('.picture') || input.parentNode;
      var img = $('img.chosen', place);
      if (img) { URL.revokeObjectURL(img.src); img.remove(); }
      if (!file || !/^image\//.test(file.type)) return;
      img = doc.createElement('img');
      img.className = 'chosen';
      img.alt = '';
      img.src = URL.createObjectURL(file);
      input.parentNode.insertBefore(img, input);
      var focus = $('select[name^=focus]', place);
      if (!focus) return;
      img.addEventListener('click', function (e) {
        var r = img.getBoundingClientRect();
        var x = Math.round(((e.clientX - r.left) / r.width) * 2 - 1), y = Math.round(1 - ((e.clientY - r.top) / r.height) * 2);
        focus.value = (x || 0) + ',' + (y || 0);
      });
    });
  });

  // Of the places for pictures, show those in use and one more.
  all('.pictures').forEach(function (box) {
    function tidy() {
      var free = 0;
      all('.picture', box).forEach(function (place) {
        var input = $('input[type=file]', place);
        if (input && !input.files.length) place.hidden = free++ > 0;
      });
    }
    box.addEventListener('change', tidy);
    tidy();
  });

  // ---- passwords can be looked at -----------------------------------------
  all('input[type=password]').forEach(function (input) {
    var b = doc.createElement('button');
    b.type = 'button';
    b.className = 'peek';
    var label = $('label[for="' + input.id + '"]');
    function name(text) {
      b.textContent = text;
      if (label) b.setAttribute('aria-label', text + ' ' + label.textContent.trim());
    }
    name(words.show);
    b.addEventListener('click', function () {
      var hidden = input.type === 'password';
      input.type = hidden ? 'text' : 'password';
      name(hidden ? words.hide : words.show);
    });
    input.parentNode.classList.add('peekable');
    input.after(b);
    if (input.form) input.form.addEventListener('submit', function () { input.type = 'password'; });
  });

  var errors = doc.getElementById('errors');
  if (errors) errors.focus();

  // ---- keyboard -----------------------------------------------------------
  var last = '', lastAt = 0, places = { h: '/', c: '/circles', i: '/inbox' };
  function move(step) {
    var posts = all('main article[data-id]');
    if (!posts.length) return;
    var at = posts.findIndex(function (p) { return p.contains(doc.activeElement); });
    if (at < 0) {
      at = posts.findIndex(function (p) { return p.getBoundingClientRect().bottom > 60; });
      at -= step > 0 ? 1 : 0;
    }
    var next = posts[Math.max(0, Math.min(posts.length - 1, at + step))];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: 'start' });
  }
  doc.addEventListener('keydown', function (e) {
    if (e.key === 'Escape') {
      var open = $('details.more[open]');
      if (open) { open.open = false; $('summary', open).focus(); } else if (doc.activeElement !== body) doc.activeElement.blur();
      return;
    }
    if ('nokeys' in words || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (e.target.closest('input,textarea,select,[contenteditable]') || $('dialog[open]')) return;
    var after = Date.now() - lastAt < 1200 ? last : '';
    last = e.key;
    lastAt = Date.now();
    if (!$('.tabs')) return;
    if (after === 'g' && places[e.key]) { location.href = places[e.key]; return; }
    switch (e.key) {
      case 'j': move(1); break;
      case 'k': move(-1); break;
      case 'c': location.href = '/compose'; break;
      case '?': $('#keys').showModal(); break;
      case '/':
        e.preventDefault();
        var field = $('main input[name=q]');
        if (field) field.focus(); else location.href = '/search';
        break;
    }
  });
})();
