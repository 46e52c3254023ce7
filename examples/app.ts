// All examples as one application: what `npm start` runs. Each is one too, by itself.
import { app } from 'levelten';
import { board } from './board/app.ts';
import { chat } from './chat/app.ts';
import { hearts } from './hearts/app.ts';

export default app({ spaces: { board, chat, hearts } });
