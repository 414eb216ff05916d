/** How the site's search weighs what it finds: for the site and for the tests that ask it. */
export const searchOptions = {
  fuzzy: 0.2,
  prefix: true,
  boost: { title: 4, text: 2, titles: 1 },
  /** Guides answer questions; tables, decisions and measurements are for those who look for them. The site gets it as text, so it stands alone. */
  boostDocument(id) {
    if (/^\/(?:[\w-]+\/)?guide\//.test(id)) return 2;
    return /\/(?:bench|decisions|mistakes|commands|names|api)\b/.test(id) ? 0.5 : 1;
  },
};
