/**
 * Iris: measures of the sepals and petals of 150 flowers of three species. From R. A. Fisher, "The use of multiple
 * measurements in taxonomic problems", Annals of Eugenics 7, 1936, table I; measured by E. Anderson. Small enough to
 * be part of the source. The values equal those of iris.csv in scikit-learn 1.9, which follows the paper.
 */
import { type MemoryDataset, memoryDataset } from '../dataset.ts';

/**
 * The iris flowers: x `[150, 4]` float32, lengths in centimetres, y `[150]` int32, 50 flowers of each species in order.
 *
 * @example
 * const [train, test] = randomSplit(iris(), [0.8, 0.2], { seed: 1 });
 */
export function iris(): MemoryDataset {
  const x = new Float32Array(600);
  const y = new Int32Array(150);
  table.forEach((lines, species) => {
    const digits = lines.join('');
    for (let i = 0; i < 200; i++) x[species * 200 + i] = Number(digits.slice(2 * i, 2 * i + 2)) / 10;
    y.fill(species, species * 50, species * 50 + 50);
  });
  return memoryDataset(
    { x: { data: x, shape: [4] }, y: { data: y, shape: [] } },
    {
      name: 'iris',
      classes: ['setosa', 'versicolor', 'virginica'],
      featureNames: ['sepal length', 'sepal width', 'petal length', 'petal width'],
      targetName: 'species',
      source: 'Fisher: The use of multiple measurements in taxonomic problems (1936)',
    },
  );
}

/** For each species 50 flowers of four lengths in millimetres, two digits each. */
const table: readonly (readonly string[])[] = [
  [
    '51351402493014024732130246311502503614025439170446341403503415024429140249311501',
    '54371502483416024830140143301101584012025744150454391304513514035738170351381503',
    '54341702513715044636100251331705483419025030160250341604523515025234140247321602',
    '48311602543415045241150155421402493115025032120255351302493614014430130251341502',
    '50351303452313034432130250351606513819044830140351381602463214025337150250331402',
  ],
  [
    '70324714643245156931491555234013652846155728451363334716492433106629461352273914',
    '50203510593042156022401061294714562936136731441456304515582741106222451556253911',
    '59324818612840136325491561284712642943136630441468284814673050176029451557263510',
    '55243811552437105827391260275116543045156034451667314715632344135630411355254013',
    '55264412613046145826401250233310562742135730421257294213622943135125301157284113',
  ],
  [
    '63336025582751197130592163295618653058227630662149254517732963186725581872366125',
    '65325120642753196830552157255020582851246432532365305518773867227726692360225015',
    '69325723562849207728672063274918673357217232601862284818613049186428562172305816',
    '74286119793864206428562263285115612656147730612363345624643155186030481869315421',
    '67315624693151235827511968325923673357256730522363255019653052206234542359305118',
  ],
];
