/**
 * From numerical to automatic: why backpropagation. Two trainings of the same network, from the same start, at very
 * different cost.
 */
import { lineChart } from '@ag/viz';
import { ComputingNote } from '../../components/computingNote.tsx';
import { NumberField, RunButtons, within } from '../../components/controls.tsx';
import { Alarm, Choice, Code, Explanation, Picture, Status } from '../../components/parts.tsx';
import { useLive } from '../../service/page/useLive.ts';
import { useInspection } from '../../shell/inspection.ts';
import { say, type Text } from '../../shell/language.ts';
import { numberParameter, setParameters } from '../../shell/route.ts';
import { theme } from '../../shell/theme.ts';
import type { CompareRequest, CompareUpdate, Side } from './compare.ts';

const createWorker = () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });

const names = {
  numerical: { en: 'Numerical gradients', zh: '数值梯度' },
  automatic: { en: 'Backpropagation', zh: '反向传播' },
} satisfies Record<string, Text>;

const differences = ['0.1', '0.01', '0.001', '0.0001', '0.000001', '0.00000001', '0.0000000001'] as const;

export default function Numerical() {
  const request: CompareRequest = {
    hidden: within(numberParameter('hidden', 2), 1, 64),
    learningRate: Math.max(1e-6, numberParameter('rate', 3)),
    difference: Math.max(1e-14, numberParameter('h', 1e-6)),
    seed: within(numberParameter('seed', 2), 0, 1e6),
    steps: within(numberParameter('steps', 600), 1, 5000),
  };
  const live = useLive<CompareRequest, CompareUpdate>(createWorker, request, true);
  const { update } = live;
  useInspection(() => ({
    page: 'numerical',
    ...request,
    ...update,
    running: live.running,
    problem: live.problem,
  }));

  const agree = update === null || lossesAgree(update);
  const chart = (x: 'steps' | 'passes') =>
    update
      ? lineChart(
          (['numerical', 'automatic'] as const).map((side) => ({
            name: say(names[side]),
            y: update[side].losses,
            ...(x === 'passes' && { x: update[side].passes }),
          })),
          {
            theme: theme.value,
            id: `loss-${x}`,
            width: innerWidth < 640 ? 360 : 520,
            height: 320,
            points: false,
            yScale: 'log',
            ...(x === 'passes' && { xScale: 'log' as const }),
            title:
              x === 'steps'
                ? agree
                  ? say({ en: 'By step: the same curve', zh: '按步数：同一条曲线' })
                  : say({ en: 'By step: the curves part', zh: '按步数：两条曲线分开' })
                : say({ en: 'By cost: far apart', zh: '按代价：相差甚远' }),
            xLabel:
              x === 'steps' ? say({ en: 'step', zh: '步' }) : say({ en: 'forward passes', zh: '前向次数' }),
            yLabel: say({ en: 'loss', zh: '损失' }),
          },
        )
      : '';

  return (
    <>
      <Explanation
        text={{
          en: 'How should a weight change? One way is to try: move it a little to both sides and see what the loss does. That takes two forward passes for every weight. Backpropagation finds the slopes for all weights in a single pass back through the graph. Both networks start from the same weights and learn XOR, at very different cost. Add hidden units and watch the factor grow.',
          zh: '一个权重该如何改变？一种办法是试：把它向两边各移动一点，看损失怎么变——每个权重需要两次前向计算。反向传播只沿计算图往回走一遍，就得到所有权重的斜率。两个网络从相同的权重出发学习异或，代价却大不相同。增加隐藏单元，看倍数如何增长。',
        }}
      />
      <div class="card row">
        <NumberField name="hidden" label={{ en: 'Hidden units', zh: '隐藏单元' }} value={request.hidden} />
        <NumberField name="rate" label={{ en: 'Learning rate', zh: '学习率' }} value={request.learningRate} />
        <Choice
          label={{ en: 'Moved by h', zh: '移动量 h' }}
          testId="h"
          value={differences.find((each) => Number(each) === request.difference) ?? '0.000001'}
          options={differences.map((each) => [each, Number(each).toExponential()] as const)}
          onChange={(h) => setParameters({ h })}
        />
        <NumberField name="seed" label={{ en: 'Seed', zh: '随机种子' }} value={request.seed} />
        <RunButtons live={live} done={update?.done === true} />
      </div>
      <Status>
        {update && !live.running && update.steps > 0
          ? say({
              en: `Step ${update.steps}: ${number(update.factor)} times the forward passes.`,
              zh: `第 ${update.steps} 步：前向次数为 ${number(update.factor)} 倍。`,
            })
          : ''}
      </Status>
      {live.problem !== null && <Alarm testId="problem">{live.problem}</Alarm>}
      {update && (
        <>
          <div class="card" aria-live="off">
            <p class="number" style={{ margin: 0 }}>
              <strong data-testid="factor" style={{ fontSize: '1.8rem' }}>
                {number(update.factor)}×
              </strong>{' '}
              {say({
                en: `the forward passes, for ${update.parameters} parameters`,
                zh: `的前向次数（${update.parameters} 个参数）`,
              })}
            </p>
            <div style={{ overflowX: 'auto' }}>
              <div class="scroll">
                <table data-testid="costs">
                  <thead>
                    <tr>
                      <th scope="col">
                        {say({ en: 'after step', zh: '步数' })} {update.steps}
                      </th>
                      <th scope="col">{say(names.numerical)}</th>
                      <th scope="col">{say(names.automatic)}</th>
                    </tr>
                  </thead>
                  <tbody class="number">
                    {rows.map(([label, show]) => (
                      <tr key={label.en}>
                        <th scope="row">{say(label)}</th>
                        <td>{show(update.numerical)}</td>
                        <td>{show(update.automatic)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            </div>
            <p class="number" data-testid="apart">
              <strong data-testid="agreement">
                {agree
                  ? say({ en: 'The losses agree.', zh: '两个损失一致。' })
                  : say({ en: 'The losses do not agree.', zh: '两个损失不一致。' })}
              </strong>{' '}
              {say({
                en: 'Largest difference between the two losses so far: ',
                zh: '到目前为止两个损失的最大差值：',
              })}
              {update.apart.toExponential(1)}
              {say({ en: ' (64-bit numbers)', zh: '（64 位浮点数）' })}
            </p>
          </div>
          <div class="columns">
            <div class="card">
              <Picture svg={chart('steps')} label="by-step" />
            </div>
            <div class="card">
              <Picture svg={chart('passes')} label="by-cost" />
            </div>
          </div>
        </>
      )}
      {/* With the picture that it stands below, so that nothing moves when that arrives. */}
      {(update || live.problem !== null) && (
        <>
          <Explanation
            text={{
              en: 'A step with numerical gradients takes two passes per parameter and one for the loss itself; one with backpropagation takes a single forward pass, whose loss it needs anyway, and one backward pass. Try h = 0.1, which is too coarse, and h = 1e-10, where rounding errors take over: the difference grows. That is what numerical gradients are still good for: checking the others.',
              zh: '用数值梯度走一步，每个参数需要两次前向，外加一次计算损失；反向传播只需要一次前向（损失本来就要算）和一次反向。试试 h = 0.1（太粗）和 h = 1e-10（舍入误差占上风）：差值会变大。数值梯度如今仍有用处：检验其他梯度。',
            }}
          />
          <ComputingNote computing={live.computing} />
          <Code code={codeFor(request)} />
        </>
      )}
    </>
  );
}

/** Whether the losses of all steps are the same to four digits, of the first loss. */
function lossesAgree({ apart, automatic }: CompareUpdate): boolean {
  return apart <= 1e-4 * (automatic.losses[0] ?? 0);
}

const rows: readonly (readonly [Text, (side: Side) => string])[] = [
  [{ en: 'loss', zh: '损失' }, (side) => number(side.losses.at(-1))],
  [{ en: 'forward passes', zh: '前向次数' }, (side) => String(side.forward)],
  [{ en: 'backward passes', zh: '反向次数' }, (side) => String(side.backward)],
  [{ en: 'time', zh: '时间' }, (side) => `${Math.round(side.time)} ms`],
  [
    { en: 'answers to 00, 01, 10, 11', zh: '对 00、01、10、11 的回答' },
    (side) => side.answers.map((answer) => answer.toFixed(2)).join(', '),
  ],
];

function number(value: number | undefined): string {
  return value === undefined ? '—' : String(Number(value.toPrecision(4)));
}

function codeFor({ hidden, learningRate, difference, seed, steps }: CompareRequest): string {
  return `import { gradients, numericalGradient } from '@ag/graph';
import { mseLoss } from '@ag/nn';
import { sgd } from '@ag/optim';
import { key, normal, splitKey, tensor, Variable } from '@ag/tensor';

const float64 = { dtype: 'float64' };
const x = tensor([[0, 0], [0, 1], [1, 0], [1, 1]], float64);
const y = tensor([[0], [1], [1], [0]], float64);
let passes = 0;
const loss = ([w1, b1, w2, b2]) => {
  passes++;
  const h = x.matmul(w1.transpose()).add(b1).sigmoid();
  return mseLoss(h.matmul(w2.transpose()).add(b2).sigmoid(), y);
};
// Both answer with the loss and its slopes.
const numerical = (values) => [
  loss(values),
  values.map((value, i) =>
    numericalGradient((moved) => loss(values.map((v, j) => (j === i ? moved : v))), value, ${difference})),
];
const automatic = (values) => {
  const error = loss(values);
  return [error, gradients(error, values)];
};

for (const way of [numerical, automatic]) {
  const keys = splitKey(key(${seed}), 4);
  const variables = [[${hidden}, 2], [${hidden}], [1, ${hidden}], [1]].map(
    (shape, i) => new Variable(normal(shape, { key: keys[i], ...float64 })),
  );
  const optimizer = sgd(variables, { learningRate: ${learningRate} });
  passes = 0;
  for (let step = 0; step < ${steps}; step++) {
    const [error, slopes] = way(variables.map((variable) => variable.value));
    optimizer.step(new Map(variables.map((variable, i) => [variable, slopes[i]])));
    if (step === ${steps - 1}) console.log(way.name, 'loss', await error.item());
  }
  console.log(way.name, 'forward passes', passes);
}
`;
}
