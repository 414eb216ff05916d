/**
 * A board to draw a digit on, with a mouse, a finger or a pen. What is drawn is plain dark ink on white paper, in both
 * themes, as on the scans that such networks learn from.
 */
import { useEffect, useRef } from 'preact/hooks';
import { say } from '../../shell/language.ts';

/** Pixels along each side. */
const size = 280;
const pen = 22;

export function Board({ draw }: { readonly draw: (drawing: ImageData | null) => void }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const last = useRef<readonly [number, number] | null>(null);

  const context = () => canvas.current!.getContext('2d', { willReadFrequently: true })!;
  const wipe = () => {
    const board = context();
    board.fillStyle = 'white';
    board.fillRect(0, 0, size, size);
    draw(null);
  };
  useEffect(wipe, []);

  const stroke = (event: PointerEvent, begins: boolean) => {
    const box = canvas.current!.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * size;
    const y = ((event.clientY - box.top) / box.height) * size;
    const [fromX, fromY] = begins || !last.current ? [x, y] : last.current;
    const board = context();
    board.strokeStyle = 'black';
    board.lineWidth = pen;
    board.lineCap = board.lineJoin = 'round';
    board.beginPath();
    board.moveTo(fromX, fromY);
    board.lineTo(x, y);
    board.stroke();
    last.current = [x, y];
    draw(board.getImageData(0, 0, size, size));
  };

  return (
    <div>
      <canvas
        ref={canvas}
        class="board"
        width={size}
        height={size}
        data-testid="board"
        role="img"
        aria-label={say({ en: 'Board to draw a digit on', zh: '用于手写数字的画板' })}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          stroke(event, true);
        }}
        onPointerMove={(event) => event.buttons === 1 && last.current && stroke(event, false)}
        onPointerUp={() => {
          last.current = null;
        }}
      />
      <p>
        <button type="button" data-testid="wipe" onClick={wipe}>
          {say({ en: 'Wipe the board', zh: '擦除' })}
        </button>
      </p>
    </div>
  );
}
