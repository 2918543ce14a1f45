/** What a page was asked for is at another place by now; the browser is sent there. */
export class SeeOther extends Error {
  override readonly name = 'SeeOther';
  readonly location: string;

  constructor(location: string) {
    super('what was asked for is at another place by now');
    this.location = location;
  }
}
