export { ChatTemplate, type Message, type RenderedChat } from './chat-template.js';
export { type EncodedChat, encodeChats, encodePrompts } from './encode-chat.js';
export { type EncodedText, Tokenizer } from './tokenizer.js';
export { type TokenizerTraining, type TrainBpe, trainTokenizer } from './train-tokenizer.js';
