import { describeRaces } from './races-suite.ts';

describeRaces(60);
