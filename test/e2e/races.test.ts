import { describeRaces } from '../sessions/races-suite.ts';

// As many refreshes as codes: two thousand and more for each number of processes.
describeRaces(1000, [2, 4]);
