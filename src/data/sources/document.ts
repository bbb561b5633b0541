/** A document of a source, with what is known about it (absent for plain files). */
export interface SourceDocument {
  id: string;
  text: string;
  year?: number;
  /** Who speaks, as the source writes it: `Franklin D Roosevelt`. */
  speaker?: string;
  party?: string;
}
