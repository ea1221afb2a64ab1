/**
 * AWS and Gateway API limits that the program has to respect before anything is created, because
 * nothing else checks them until an API call fails.
 */

/**
 * Target groups in one forward action of an Application Load Balancer, hence units in one model's
 * route in cost mode. A fixed quota: it cannot be raised.
 *
 * Source: Elastic Load Balancing user guide, "Quotas for your Application Load Balancers", row
 * "Target Groups per Action per Application Load Balancer" (5, not adjustable).
 */
export const targetGroupsPerForwardAction = 5;

/**
 * Smallest and largest weight of a target group in an ALB forward action; 0 gets no traffic.
 *
 * Source: @pulumi/aws 7.48, `ListenerRuleActionForwardTargetGroup.weight`: "The range is 0 to 999."
 */
export const targetGroupWeight = { min: 0, max: 999 } as const;

/**
 * Smallest and largest weight of a backend in a Gateway API route. Wider than an ALB's, so an ALB's
 * is the one that binds.
 *
 * Source: Gateway API v1.6.0, `BackendRef.weight` (Minimum 0, Maximum 1000000).
 */
export const backendRefWeight = { min: 0, max: 1_000_000 } as const;
