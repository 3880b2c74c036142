// What stands in the page and should not, as texts.
const found = [];
const say = (what, element) => found.push(`${what}: ${element.outerHTML.slice(0, 300)}`);
const OURS = ['http:', 'https:', 'mailto:'];
const URLS = ['href', 'src', 'action', 'formaction', 'xlink:href', 'data', 'srcdoc', 'poster', 'background', 'ping', 'srcset', 'cite'];
const PLAIN = new Set('A B BLOCKQUOTE BR BUTTON CODE DEL DIV EM FIGCAPTION FIGURE H1 H2 H3 H4 H5 H6 HR I LI OL P PRE S SMALL SPAN STRONG TABLE TBODY TD TH THEAD TR UL svg use BDI'.split(' '));
const walk = (root) => {
    for (const element of root.querySelectorAll('*')) {
        for (const { name, value } of element.attributes) {
            if (name.startsWith('on')) say('handler', element);
            if (!URLS.includes(name) || value === '') continue;
            let url;
            try { url = new URL(value, location.href); } catch { continue; }
            const loads = element.matches('script, link, img, iframe, object, embed, form, button, input, use, image, video, audio, source');
            if (!OURS.includes(url.protocol) || (loads && url.origin !== location.origin)) say(`URL in ${name}`, element);
        }
        if (element.matches('iframe, frame, object, embed, applet, base, style, math, meta[http-equiv], template, marquee, video, audio')) say('element', element);
        if (element.matches('script') && (!new URL(element.src, location.href).pathname.startsWith('/assets/') || element.textContent)) say('script', element);
        if (element.content instanceof DocumentFragment) walk(element.content);
        const text = element.closest('.text, .excerpt, .topic, .label, .bio, .author, h1, bdi');
        if (text && text !== element) {
            if (!PLAIN.has(element.tagName)) say('markup', element);
            if ((element.id || element.hasAttribute('name')) && !element.closest('[data-act], svg')) say('name', element);
            if (element.hasAttribute('style')) say('style', element);
            if (element.tagName === 'svg' && !element.matches('.icon, .door')) say('picture', element);
        }
    }
};
walk(document);
const native = ['getElementById', 'querySelector', 'body', 'cookie', 'location', 'defaultView', 'forms', 'head'];
for (const name of native) if (Object.hasOwn(document, name) && name !== 'location') found.push(`document.${name} is another`);
for (const name of ['attributes', 'firstChild', 'parentNode']) if (document.querySelector(`[name=${name}], #${name}`)) found.push(`${name} is an element`);
if (document.body?.tagName !== 'BODY' || typeof document.getElementById !== 'function') found.push('the document is another');
if (document.querySelectorAll('#app, #settings-form').length > 1 || document.querySelectorAll('#timeline').length > 1) found.push('there are two');
const ran = localStorage.getItem('ran');
if (ran) found.push(`ran: ${ran}`);
return found;
