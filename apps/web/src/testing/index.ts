/**
 * What tests and measurements use: the application in a browser, and digits to draw on its board.
 */
export * from './browser.ts';
export * from './drawing.ts';
