import { knownClasses } from '../contracts/artifacts.ts';
import { corruptionNames, type Robustness, robustnessFile, severities } from '../contracts/robustness.ts';
import type { JobInput, JobResult } from '../contracts/trainer.ts';
import { describeDataset, type OpenSplit, openSplit } from '../datasets/index.ts';
import { jsonBytes, writeArtifact } from '../store/index.ts';
import { type JobContext, stopIfAsked } from '../training/index.ts';
import { createCorruption } from './corruptions/index.ts';
import { withFrozenEncoder } from './frozen-encoder.ts';
import { measured } from './measured.ts';
import { answeringOn, openClassifier } from './open-classifier.ts';
import { classifierAccuracy } from './softmax-classifier.ts';
import { changed, requireTestImages, spreadOver } from './split-views.ts';

/**
 * Accuracy on test images that are spoilt, by one pass of the encoder for each corruption and severity. The spoilt images are
 * not kept: they follow from the seed, the corruption, the severity and the row.
 */
export async function robustness(input: JobInput<'robustness'>, context: JobContext): Promise<JobResult<'robustness'>> {
  const opened = await openClassifier(context.store, input);
  const about = await describeDataset(context.store, input.dataset);
  requireTestImages(about);
  const { classifier } = answeringOn(opened, knownClasses(about).classes);
  const { seed, images } = input.parameters;
  const wanted = new Set(input.parameters.corruptions ?? corruptionNames);
  const names = corruptionNames.filter((each) => wanted.has(each));

  const found = await withFrozenEncoder(input, context, async (featuresOf): Promise<Robustness> => {
    const all = await openSplit(context.store, input.dataset, 'test', (done, total) => {
      context.progress({ phase: 'checking test images', done, total, unit: 'images' });
      stopIfAsked(context);
    });
    try {
      const { count } = spreadOver(all, images);
      const total = count * (1 + names.length * severities.length);
      let before = 0;
      const accuracyOn = async (phase: string, split: OpenSplit) => {
        const features = await featuresOf(spreadOver(split, images), { phase, before, total });
        before += count;
        return measured(classifierAccuracy(classifier, features));
      };
      const clean = await accuracyOn('as they are', all);
      const corruptions: Robustness['corruptions'] = [];
      for (const corruption of names) {
        const bySeverity: number[] = [];
        for (const severity of severities) {
          const spoil = createCorruption(corruption, severity, all, seed);
          bySeverity.push(await accuracyOn(`${corruption} ${severity}`, changed(all, spoil)));
        }
        corruptions.push({ name: corruption, accuracy: bySeverity });
      }
      const accuracies = corruptions.flatMap((each) => each.accuracy);
      const mean = accuracies.reduce((sum, each) => sum + each, 0) / accuracies.length;
      return { dataset: about.name, testImages: count, seed, clean, corruptions, mean };
    } finally {
      await all.close();
    }
  });
  const ref = await writeArtifact(context.store, {
    kind: 'robustness',
    about: { classifier: input.classifier, encoder: input.encoder, dataset: input.dataset },
    files: [{ path: robustnessFile, content: jsonBytes(found) }],
  });
  return { robustness: { ...ref, kind: 'robustness' }, clean: found.clean, mean: found.mean };
}
