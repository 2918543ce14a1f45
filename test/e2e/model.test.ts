import { describeModel } from '../sessions/model-suite.ts';

describeModel(150);
