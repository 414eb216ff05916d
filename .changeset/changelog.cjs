/** A changelog's lines: what a changeset says, without the numbers of commits. */
module.exports = {
  async getReleaseLine({ summary }) {
    const [first, ...rest] = summary.trim().split('\n');
    return [`- ${first}`, ...rest.map((line) => (line === '' ? '' : `  ${line}`))].join('\n');
  },
  async getDependencyReleaseLine(_changesets, updated) {
    if (updated.length === 0) return '';
    return `- Goes with ${updated.map(({ name, newVersion }) => `${name} ${newVersion}`).join(', ')}`;
  },
};
