import { describeRaces } from '../sessions/races-suite.ts';

describeRaces(2000, [2, 4]);
